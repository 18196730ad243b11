//go:build linux || darwin

package crash_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// refused requires that a file cannot be opened because it is in use, and returns how
// long it took.
func refused(t *testing.T, path string, timeout time.Duration, text string) time.Duration {
	t.Helper()
	began := time.Now()
	s := bolt.Open(path, bolt.WithLockTimeout(timeout))
	took := time.Since(began)
	require.ErrorIs(t, s.Err(), bolt.ErrLocked)
	require.ErrorContains(t, s.Err(), text)
	require.Less(t, took, timeout+slack)
	return took
}

// opened opens a file that must be free, and returns how long it took.
func opened(t *testing.T, path string) (*bolt.Store, time.Duration) {
	t.Helper()
	began := time.Now()
	s := bolt.Open(path, bolt.WithLockTimeout(slack))
	require.NoError(t, s.Err())
	return s, time.Since(began)
}

// Whoever opens a file that is in use is refused in time, whatever its holder does.
func TestLock_holder(t *testing.T) {
	began := time.Now()
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path})
	first := h.save()
	const timeout = 200 * time.Millisecond
	running := refused(t, path, timeout, "by another process (waited 200ms)")
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGSTOP))
	stopped := refused(t, path, timeout, "by another process (waited 200ms)")
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGCONT))
	_, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: 100 * time.Millisecond})
	require.Error(t, err, "who only reads is kept out as well")
	second := h.save()
	h.kill()

	var slowest time.Duration
	for range rig.Tier(10, 200) {
		s, took := opened(t, path)
		slowest = max(slowest, took)
		refused(t, path, time.Minute, "by another store of this process")
		has(t, s, first, second)
		require.NoError(t, s.Close())
		next := hold(t, holding{Path: path})
		next.save()
		next.kill()
	}
	s, _ := opened(t, path)
	require.NoError(t, s.Close())
	reader, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	require.NoError(t, err)
	refused(t, path, timeout, "by another process")
	require.NoError(t, reader.Close())
	rig.Figures(t, began, "refused after %v of %v, %v if the holder is stopped; opened in %v after it was killed, at most",
		running.Round(time.Millisecond), timeout, stopped.Round(time.Millisecond), slowest.Round(time.Millisecond))
}

// has requires that records are there.
func has(t *testing.T, s *bolt.Store, ids ...store.ID) {
	t.Helper()
	for _, id := range ids {
		_, err := s.Load(t.Context(), id)
		require.NoError(t, err)
	}
}

// A file is locked under every name that leads to it.
func TestLock_names(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sessions.db")
	hold(t, holding{Path: path}).save()
	names := map[string]string{
		"hard link":     filepath.Join(dir, "hard.db"),
		"symbolic link": filepath.Join(dir, "soft.db"),
		"directory":     filepath.Join(dir, "sub", "sessions.db"),
		"dots":          dir + "/../" + filepath.Base(dir) + "/sessions.db",
	}
	require.NoError(t, os.Link(path, names["hard link"]))
	require.NoError(t, os.Symlink(path, names["symbolic link"]))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "sub")))
	if _, err := os.Stat("/proc/self/root" + path); err == nil {
		names["another root"] = "/proc/self/root" + path
	}
	for name, path := range names {
		t.Run(name, func(t *testing.T) { refused(t, path, 20*time.Millisecond, "by another process") })
	}
}

// A child that its holder has started does not hold the file when that is killed.
func TestLock_child(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path, Child: true})
	id := h.save()
	h.kill()
	s, took := opened(t, path)
	has(t, s, id)
	require.NoError(t, s.Close())
	require.NoError(t, syscall.Kill(h.child, 0), "the child lives")
	t.Logf("figures: %s: opened %v after the parent of a child was killed", t.Name(), took.Round(time.Millisecond))
}

// A child that was given a locked file does, which is found out.
func TestLock_child_control(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path, Child: true, Share: true})
	h.kill()
	refused(t, path, 50*time.Millisecond, "by another process")
	require.NoError(t, syscall.Kill(h.child, syscall.SIGKILL))
	require.True(t, within(slack, func() bool { return bolt.Open(path).Close() == nil }))
}
