package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestOpen_creates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	t.Run("a file for its owner alone", func(t *testing.T) {
		openAt(t, path)
		info, err := os.Stat(path)
		require.NoError(t, err)
		if runtime.GOOS != "windows" {
			require.Equal(t, os.FileMode(0o600), info.Mode())
		}
		require.Less(t, info.Size(), int64(512<<10))
		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, files, 1)
	})
	t.Run("over an empty file and what a crash has left", func(t *testing.T) {
		require.NoError(t, os.Truncate(path, 0))
		require.NoError(t, os.WriteFile(path+".tmp", []byte("half a database"), 0o600))
		s := openAt(t, path)
		save(t, s, newRecord("", ""))
		require.NoFileExists(t, path+".tmp")
	})
	t.Run("and removes what a crash has left", func(t *testing.T) {
		require.NoError(t, os.WriteFile(path+".tmp", []byte("half a copy"), 0o600))
		require.Len(t, list(t, openAt(t, path), ""), 1)
		require.NoFileExists(t, path+".tmp")
	})
	t.Run("where a link leads", func(t *testing.T) {
		target := filepath.Join(t.TempDir(), "target.db")
		link := filepath.Join(t.TempDir(), "link.db")
		if err := os.Symlink(target, link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		s := openAt(t, link)
		save(t, s, newRecord("", ""))
		require.NoError(t, s.Compact(t.Context()))
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.Equal(t, os.ModeSymlink, info.Mode().Type())
		require.NoError(t, s.Close())
		require.Len(t, list(t, openAt(t, target), ""), 1)
	})
	t.Run("at once, from several goroutines", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "sessions.db")
		stores := make(chan *bolt.Store)
		for range 4 {
			go func() {
				s := bolt.Open(path)
				for errors.Is(s.Err(), bolt.ErrLocked) {
					runtime.Gosched()
					s = bolt.Open(path)
				}
				stores <- s
			}()
		}
		for i := range 4 {
			s := <-stores
			require.NoError(t, s.Err())
			require.Len(t, list(t, s, ""), i, "nobody's file was replaced")
			save(t, s, newRecord("", ""))
			require.NoError(t, s.Close())
		}
	})
}

// TestOpen_followsTheFile has an Open wait for the lock of a file that its
// holder replaces, or that is taken away. It must not take the old file for
// the new one.
func TestOpen_followsTheFile(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, s *bolt.Store) []store.Record{
		"compacted": func(t *testing.T, s *bolt.Store) []store.Record {
			require.NoError(t, s.Compact(t.Context()))
			r := newRecord("", "")
			save(t, s, r)
			return []store.Record{r}
		},
		"removed": func(t *testing.T, s *bolt.Store) []store.Record {
			require.NoError(t, os.Remove(s.Path()))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "sessions.db")
				holder := bolt.Open(path)
				require.NoError(t, holder.Err())
				holder.Forget()
				var next *bolt.Store
				go func() { next = openAt(t, path) }()
				synctest.Wait() // it sleeps between two attempts to lock the old file
				records := replace(t, holder)
				if err := holder.Close(); name == "removed" {
					require.ErrorContains(t, err, "the file was removed while it is open")
				} else {
					require.NoError(t, err)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				require.Len(t, list(t, next, ""), len(records))
				holds(t, next, records...)
				save(t, next, newRecord("", ""))
			})
		})
	}
}

// refuses requires that the file cannot be opened, for a reason that names it.
func refuses(t *testing.T, path, text string, target error) {
	t.Helper()
	err := bolt.Open(path).Err()
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, text)
	require.True(t, strings.HasPrefix(err.Error(), "bolt: "))
	if target != nil {
		require.ErrorIs(t, err, target)
	}
	unlocked(t, path)
}

func write(t *testing.T, b []byte) (path string) {
	t.Helper()
	path = filepath.Join(memoryDir(t), "sessions.db")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestOpen_refuses(t *testing.T) {
	t.Run("what it may not read", func(t *testing.T) {
		path := write(t, []byte("secret"))
		require.NoError(t, os.Chmod(path, 0))
		if f, err := os.Open(path); err == nil {
			f.Close()
			t.Skip("this user may read everything")
		}
		refuses(t, path, "permission denied", os.ErrPermission)
	})
	t.Run("a directory", func(t *testing.T) { refuses(t, t.TempDir(), "directory", nil) })
	t.Run("a device", func(t *testing.T) { refuses(t, os.DevNull, "not a regular file", nil) })
	t.Run("what is in no directory", func(t *testing.T) {
		refuses(t, filepath.Join(t.TempDir(), "a", "b.db"), "does not exist, create it first", nil)
	})
	t.Run("what lies under a file", func(t *testing.T) {
		refuses(t, filepath.Join(write(t, []byte("x")), "b.db"), "", nil)
	})
	t.Run("another file", func(t *testing.T) {
		for _, n := range []int{1, 100, 4096, 100000} {
			refuses(t, write(t, []byte(strings.Repeat("x", n))), "not a bbolt database", bolt.ErrDamaged)
		}
	})
}

func TestOpen_refusesDamage(t *testing.T) {
	whole := sample(t)
	t.Run("a part of a file", func(t *testing.T) {
		for n := 512; n < usedBytes(t, whole); n += 4096 - 512 {
			refuses(t, write(t, whole[:n]), "", bolt.ErrDamaged)
		}
	})
	t.Run("a newer format", func(t *testing.T) {
		path := write(t, whole)
		raw(t, path, func(tx *bbolt.Tx) error {
			return tx.Bucket(metaBucket).Put([]byte("format"), []byte{7: 9})
		})
		refuses(t, path, "format 9", nil)
		var version *bolt.VersionError
		require.ErrorAs(t, bolt.Open(path).Err(), &version)
		require.Equal(t, bolt.VersionError{Found: 9, Supported: 1}, *version)
		require.ErrorContains(t, version, "run a newer version of the program")
	})
	t.Run("a lost version", func(t *testing.T) {
		path := write(t, whole)
		raw(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(metaBucket) })
		refuses(t, path, "the version of the format is missing", bolt.ErrDamaged)
	})
	t.Run("a lost bucket", func(t *testing.T) {
		path := write(t, whole)
		raw(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(ownersBucket) })
		refuses(t, path, "a bucket is missing", bolt.ErrDamaged)
	})
}

// sample returns the bytes of a file with some records.
func sample(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.db")
	s := openAt(t, path)
	for range 3 {
		for range 50 {
			save(t, s, newRecord("alice", strings.Repeat("data", 50)))
		}
	}
	require.NoError(t, s.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// usedBytes returns how far the pages of a file reach.
func usedBytes(t *testing.T, b []byte) (n int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "used.db")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	raw(t, path, func(tx *bbolt.Tx) error {
		n = int(tx.Size())
		return nil
	})
	return n
}

func TestOpen_survivesOneLostMetaPage(t *testing.T) {
	whole := sample(t)
	for page := range 2 {
		path := filepath.Join(t.TempDir(), "sessions.db")
		b := append([]byte(nil), whole...)
		copy(b[page*os.Getpagesize()+16:], make([]byte, 64))
		require.NoError(t, os.WriteFile(path, b, 0o600))
		s := bolt.Open(path)
		require.NoError(t, s.Err(), "page %d", page)
		require.GreaterOrEqual(t, len(list(t, s, "")), 100)
		require.NoError(t, s.Close())
	}
}
