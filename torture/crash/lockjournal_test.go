//go:build linux || darwin

package crash_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The journal of a file that was moved is left alone as long as it is in use. Nobody
// takes it for that of the file that is in its place now.
func TestLock_journal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path})
	id := h.save()
	require.NoError(t, os.Rename(path, path+".moved"))
	refused(t, path, 20*time.Millisecond, "the journal "+path+"-journal: in use")
	h.kill()
	require.NoError(t, os.Rename(path+".moved", path))

	journal, err := os.Open(path + "-journal")
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(journal.Fd()), syscall.LOCK_EX))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	refused(t, path, 20*time.Millisecond, "the journal "+path+"-journal: in use")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, string(before) == string(after), "it was changed")
	require.NoError(t, journal.Close())
	s, _ := opened(t, path)
	has(t, s, id)
	require.NoError(t, s.Close())
}

// Two processes have a file that was moved and the one in its place, and both keep what
// they have saved.
func TestLock_moved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	first := hold(t, holding{Path: path})
	ours := first.save()
	require.NoError(t, os.Rename(path, path+".moved"))
	alsoOurs := first.save() // and with it all that was in the journal is in the file
	second := hold(t, holding{Path: path})
	theirs := second.save()
	last := first.save()
	first.kill()
	second.kill()
	for name, ids := range map[string][]id{path + ".moved": {ours, alsoOurs, last}, path: {theirs}} {
		s, _ := opened(t, name)
		has(t, s, ids...)
		require.NoError(t, s.Close())
	}
}

// What is saved in a file that was removed would be gone: its holder is told.
func TestLock_removed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path})
	h.save()
	require.NoError(t, os.Remove(path))
	require.Contains(t, h.ask("save"), "the file was removed while it is open")
	require.Contains(t, h.ask("close"), "the file was removed while it is open")
}

// Without a look at it the same is not found out, and without its lock a journal is taken
// away from who uses it.
func TestLock_control(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	h := hold(t, holding{Path: path, Without: "looksForFile"})
	h.save()
	require.NoError(t, os.Remove(path))
	h.save() // and nobody finds it

	path = filepath.Join(t.TempDir(), "sessions.db")
	h = hold(t, holding{Path: path})
	id := h.save()
	require.NoError(t, os.Rename(path, path+".moved"))
	require.NotEmpty(t, hold(t, holding{Path: path, Without: "locksJournals"}).save())
	h.kill()
	s, _ := opened(t, path+".moved")
	_, err := s.Load(t.Context(), id)
	require.Error(t, err, "a library without the safeguard passes")
	require.NoError(t, s.Close())
}
