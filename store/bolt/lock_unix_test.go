//go:build linux || darwin

package bolt_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// A holder that does not run any more still has the file, and is waited for no longer
// than was said.
func TestLock_stoppedHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	cmd := holding(t, path)
	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	began := time.Now()
	err := bolt.Open(path, bolt.WithLockTimeout(200*time.Millisecond)).Err()
	took := time.Since(began)
	require.ErrorIs(t, err, bolt.ErrLocked)
	require.GreaterOrEqual(t, took, 200*time.Millisecond)
	require.Less(t, took, 2*time.Second)
	t.Logf("figures: refused after %v of 200ms", took)
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	kill(cmd)
	openAt(t, path)
}
