//go:build linux || darwin

package bolt_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A change for which the disk has no room is refused alone: the others of its
// group are committed.
func TestGroup_noRoomForOne(t *testing.T) {
	if !alone(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		small, large, other := newRecord("alice", "small"), newRecord("", string(make([]byte, 4<<20))), newRecord("bob", "")
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		limit := old
		limit.Cur = 1 << 20
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		errs := together(s, saving(s, small), saving(s, large), saving(s, other))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
		require.NoError(t, errs[0])
		require.ErrorContains(t, errs[1], "file too large")
		require.NoError(t, errs[2])
		holds(t, s, small, other)
		lacks(t, s, large.ID)
		save(t, s, large)
		holds(t, s, large)
	})
}

const aloneEnv = "BOLT_TEST_ALONE"

// alone runs the calling test once more, in a process of its own, and there it
// reports true. It is for tests that limit what their process may do: the limit
// would also meet the other tests, and the log that go test keeps.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneEnv) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), aloneEnv+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}
