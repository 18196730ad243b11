package bolt_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// A lock is that of the file, by whatever name it is opened, and not that of a name.
func TestLock_otherNames(t *testing.T) {
	dir := memoryDir(t)
	path, hard, soft := filepath.Join(dir, "sessions.db"), filepath.Join(dir, "hard.db"), filepath.Join(dir, "soft.db")
	s := openAt(t, path)
	for link, err := range map[string]error{hard: os.Link(path, hard), soft: os.Symlink(path, soft)} {
		if err != nil || !sameFile(path, link) {
			t.Skip("no links here: ", err)
		}
		other := bolt.Open(link)
		require.ErrorIs(t, other.Err(), bolt.ErrLocked)
		require.ErrorContains(t, other.Err(), link+": in use by another store of this process")
		_, lines := start(t, "hold", link)
		require.True(t, lines.Scan())
		require.Contains(t, lines.Text(), link+": in use by another process (waited 100ms)")
	}
	save(t, s, newRecord("", ""))
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	second, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(first, second)
}

// holding starts a process that has the file open.
func holding(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd, lines := start(t, "hold", path)
	require.True(t, lines.Scan())
	require.Equal(t, "<nil>", lines.Text())
	return cmd
}

// A holder that was killed has given up its lock.
func TestLock_killedHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	for range 5 {
		kill(holding(t, path))
		began := time.Now()
		s := bolt.Open(path, bolt.WithLockTimeout(time.Minute))
		require.NoError(t, s.Err())
		require.Less(t, time.Since(began), 5*time.Second)
		require.NoError(t, s.Close())
	}
}

// moveAside gives the file of a store another name, and perhaps its journal too.
func moveAside(t *testing.T, s *bolt.Store, journal bool) (moved string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved")
	}
	moved = s.Path() + ".moved"
	require.NoError(t, os.Rename(s.Path(), moved))
	if journal {
		require.NoError(t, os.Rename(bolt.Journal(s.Path()), bolt.Journal(moved)))
	}
	return moved
}

// A file that is moved while it is open leaves its journal behind, which has what was
// saved last. Nobody takes that for his own.
func TestLock_movedWithoutItsJournal(t *testing.T) {
	s := openAt(t, filepath.Join(memoryDir(t), "sessions.db"))
	r := newRecord("alice", "in the journal")
	save(t, s, r)
	moved := moveAside(t, s, false)
	for range 2 {
		err := bolt.Open(s.Path()).Err()
		require.ErrorIs(t, err, bolt.ErrLocked)
		require.ErrorContains(t, err, "was moved or removed, and is still open")
	}
	after := crashAs(t, moved, bolt.Journal(s.Path()))
	holds(t, reopen(t, after), r)
	save(t, s, newRecord("bob", "goes on"))
	info, err := os.Stat(s.Path())
	require.NoError(t, err)
	require.Zero(t, info.Size(), "and nothing is begun in its place")
	require.NoError(t, os.Rename(moved, s.Path()))
}

// crashAs returns the path of a copy of both files.
func crashAs(t *testing.T, db, journal string) (path string) {
	t.Helper()
	path = filepath.Join(memoryDir(t), "sessions.db")
	copyFile(t, db, path)
	copyFile(t, journal, bolt.Journal(path))
	return path
}

// Two stores, of a file that was moved and of the one in its place, leave each other's
// files alone.
func TestLock_replaced(t *testing.T) {
	ctx := context.Background()
	first := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"))
	ours := newRecord("alice", "of the first")
	save(t, first, ours)
	moved := moveAside(t, first, true)
	second := openAt(t, first.Path())
	theirs := newRecord("bob", "of the second")
	save(t, second, theirs)

	require.ErrorContains(t, first.Compact(ctx), "was moved or removed while it is open")
	more := newRecord("alice", "still saved")
	save(t, first, more)
	require.NoError(t, first.Close())
	require.FileExists(t, bolt.Journal(second.Path()))
	holds(t, reopen(t, crash(t, second)), theirs)
	require.NoError(t, second.Compact(ctx))
	holds(t, second, theirs)
	lacks(t, second, ours.ID)
	holds(t, openAt(t, moved), ours, more)
}

// A store whose file was removed, and another put in its place, begins no journal: it
// would be taken for that of the other.
func TestLock_replacedBeforeTheFirstChange(t *testing.T) {
	first := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"))
	require.NoError(t, first.Err())
	moved := moveAside(t, first, false)
	second := openAt(t, first.Path())
	ours, theirs := newRecord("alice", ""), newRecord("bob", "")
	save(t, first, ours)
	require.NoFileExists(t, bolt.Journal(first.Path()))
	save(t, second, theirs)
	save(t, first, newRecord("alice", ""))
	require.NoError(t, first.Close())
	holds(t, reopen(t, crash(t, second)), theirs)
	holds(t, openAt(t, moved), ours)
}

// A journal that was removed or moved would not be found after a crash, nor would that of
// a file that has another name by now. What is saved then is in the file itself.
func TestLock_lostJournal(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, s *bolt.Store) (path string){
		"removed": func(t *testing.T, s *bolt.Store) string {
			if err := os.Remove(bolt.Journal(s.Path())); err != nil {
				t.Skip("an open file cannot be removed: ", err)
			}
			return s.Path()
		},
		"moved": func(t *testing.T, s *bolt.Store) string {
			moveAside(t, s, true)
			require.NoError(t, os.Rename(s.Path()+".moved", s.Path()))
			return s.Path()
		},
		"left behind": func(t *testing.T, s *bolt.Store) string {
			moved := moveAside(t, s, false)
			t.Cleanup(func() { require.NoError(t, os.Rename(moved, s.Path())) })
			return moved
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, filepath.Join(memoryDir(t), "sessions.db"))
			before, after := newRecord("alice", "before"), newRecord("bob", "after")
			save(t, s, before)
			path := lose(t, s)
			save(t, s, after)
			last := newRecord("bob", "last")
			holds(t, reopen(t, found(t, path)), before, after)
			save(t, s, last)
			holds(t, reopen(t, found(t, path)), before, after, last)
		})
	}
}

// found returns the path of a copy of what a program finds that opens a path after a crash.
func found(t *testing.T, path string) (copied string) {
	t.Helper()
	copied = filepath.Join(memoryDir(t), "sessions.db")
	copyFile(t, path, copied)
	if _, err := os.Stat(bolt.Journal(path)); err == nil {
		copyFile(t, bolt.Journal(path), bolt.Journal(copied))
	}
	return copied
}

func TestWithNetworkFilesystem(t *testing.T) {
	dir := t.TempDir()
	var asked []string
	nfs := bolt.OnFilesystem(func(path string) string {
		asked = append(asked, path)
		return "nfs"
	})
	path := filepath.Join(dir, "sessions.db")
	s := bolt.Open(path, nfs)
	require.ErrorContains(t, s.Err(), "bolt: open "+path+": it is on a network file system (nfs)")
	require.ErrorContains(t, s.Err(), "WithNetworkFilesystem")
	require.NoFileExists(t, path)
	require.NoError(t, bolt.Open(path).Close())
	require.Error(t, bolt.Open(path, nfs, bolt.WithNetworkFilesystem(false)).Err())
	require.Equal(t, []string{dir, path}, asked)
	s = openAt(t, path, nfs, bolt.WithNetworkFilesystem(true))
	save(t, s, newRecord("", ""))
}
