package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// smallDisk mounts a disk of a mebibyte, which needs a privilege.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skip("a file system must be mounted, as root: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}

// fillDisk leaves free bytes on a disk.
func fillDisk(t *testing.T, dir string, free int) (filler string) {
	t.Helper()
	var stat syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &stat))
	filler = filepath.Join(dir, "filler")
	n := int(stat.Bavail)*int(stat.Bsize) - free
	require.NoError(t, os.WriteFile(filler, make([]byte, n), 0o600))
	return filler
}

// However little room there is on the disk, a file is created whole or not at all, and
// when there is room again it is created, or goes on.
func TestOpen_littleRoom(t *testing.T) {
	dir := smallDisk(t)
	path := filepath.Join(dir, "sessions.db")
	created, saved := 0, 0
	for free := 0; free <= 40<<10; free += 1 << 10 {
		filler := fillDisk(t, dir, free)
		s := bolt.Open(path)
		r := newRecord("alice", "")
		if s.Err() != nil {
			require.ErrorIs(t, s.Err(), syscall.ENOSPC)
			requireNothing(t, dir)
		} else {
			created++
			if err := s.Save(t.Context(), r); err == nil {
				saved++
				holds(t, s, r)
			} else {
				require.True(t, errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG), "%v", err)
			}
		}
		_ = s.Close()
		require.NoError(t, os.Remove(filler))
		s = bolt.Open(path)
		require.NoError(t, s.Err(), "%d bytes were free", free)
		more := newRecord("bob", "")
		save(t, s, more)
		holds(t, s, more)
		require.NoError(t, s.Close())
		verify(t, path)
		require.NoError(t, os.Remove(path))
	}
	t.Logf("figures: created %d times of 41, saved %d times", created, saved)
	require.Less(t, created, 41)
	require.NotZero(t, saved)
}

// requireNothing requires that there is no more than an empty file.
func requireNothing(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if f.Name() == "filler" {
			continue
		}
		require.Equal(t, "sessions.db", f.Name())
		info, err := f.Info()
		require.NoError(t, err)
		require.Zero(t, info.Size())
	}
}

// What bbolt leaves of a file for which there was no room cannot be opened, ever.
func TestOpen_littleRoom_Control(t *testing.T) {
	dir := smallDisk(t)
	path := filepath.Join(dir, "sessions.db")
	damaged := 0
	for free := 0; free <= 40<<10; free += 4 << 10 {
		filler := fillDisk(t, dir, free)
		if db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second}); err == nil {
			require.NoError(t, db.Close())
		}
		require.NoError(t, os.Remove(filler))
		s := bolt.Open(path)
		if errors.Is(s.Err(), bolt.ErrDamaged) {
			damaged++
		}
		_ = s.Close()
		require.NoError(t, os.Remove(path))
	}
	require.NotZero(t, damaged)
}
