package bolt_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}

func TestContract_noJournal(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, bolt.WithJournal(0)) })
}

func TestContract_durable(t *testing.T) {
	for name, size := range journals {
		t.Run(name, func(t *testing.T) {
			storetest.RunDurable(t, func(t *testing.T, dir string) store.Store {
				return openAt(t, filepath.Join(dir, "sessions.db"), bolt.WithJournal(size))
			})
		})
	}
}

func TestContract_shared(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, _ := share(t, nil)
		return s
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store {
		return bolt.Open(filepath.Join(b.TempDir(), "sessions.db"))
	})
}

// open opens a new store, and verifies its file when the test ends.
func open(t *testing.T, opts ...bolt.Option) *bolt.Store {
	t.Helper()
	return openAt(t, filepath.Join(memoryDir(t), "sessions.db"), opts...)
}

// memoryDir returns a new directory where a sync costs nothing, if the system has
// one: most tests are about what a store writes, not about the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bolt-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func openAt(t *testing.T, path string, opts ...bolt.Option) *bolt.Store {
	t.Helper()
	s := bolt.Open(path, opts...)
	require.NoError(t, s.Err())
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		verify(t, path)
	})
	return s
}

// share opens a store in a new database of the program's.
func share(t *testing.T, o *bbolt.Options) (*bolt.Store, *bbolt.DB) {
	t.Helper()
	path := filepath.Join(memoryDir(t), "program.db")
	db, err := bbolt.Open(path, 0o600, o)
	require.NoError(t, err)
	s, err := bolt.New(db)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, db.Close())
		verify(t, path)
	})
	return s, db
}

// verify checks the file of a store that is closed.
func verify(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: time.Second})
	require.NoError(t, err)
	defer db.Close()
	require.Empty(t, bolt.Check(db, "gimlet"))
}

// raw alters the file of a store that is closed, as no store would.
func raw(t *testing.T, path string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	require.NoError(t, err)
	require.NoError(t, db.Update(fn))
	require.NoError(t, db.Close())
}

func newRecord(owner, data string) store.Record {
	now := time.Now()
	return store.Record{
		ID:      store.NewID(now),
		Version: 1,
		Expires: now.Add(time.Hour).Truncate(time.Millisecond),
		Owner:   owner,
		Data:    []byte(data),
	}
}

func save(t *testing.T, s *bolt.Store, records ...store.Record) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(records))
	for i, r := range records {
		wg.Go(func() { errs[i] = s.Save(t.Context(), r) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func holds(t *testing.T, s *bolt.Store, records ...store.Record) {
	t.Helper()
	for _, want := range records {
		got, err := s.Load(t.Context(), want.ID)
		require.NoError(t, err)
		require.True(t, want.Expires.Equal(got.Expires), "expires %v, not %v", got.Expires, want.Expires)
		require.Equal(t, string(want.Data), string(got.Data))
		got.Expires, got.Data = want.Expires, want.Data
		require.Equal(t, want, got)
	}
}

func lacks(t *testing.T, s *bolt.Store, id store.ID) {
	t.Helper()
	_, err := s.Load(t.Context(), id)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// list returns the IDs that List yields, each with its error.
func list(t *testing.T, s *bolt.Store, owner string) map[store.ID]error {
	t.Helper()
	ids := map[store.ID]error{}
	for r, err := range s.List(t.Context(), owner) {
		_, again := ids[r.ID]
		require.False(t, again, "%s is listed twice", r.ID)
		ids[r.ID] = err
	}
	return ids
}

func TestOpen_keepsItsError(t *testing.T) {
	s := bolt.Open(filepath.Join(t.TempDir(), "missing", "sessions.db"))
	want := s.Err()
	require.ErrorContains(t, want, "does not exist, create it first")
	ctx, r := t.Context(), newRecord("", "")
	_, err := s.Load(ctx, r.ID)
	require.Equal(t, want, err)
	require.Equal(t, want, s.Save(ctx, r))
	require.Equal(t, want, s.Touch(ctx, r.ID, time.Time{}))
	require.Equal(t, want, s.Delete(ctx, r.ID))
	for _, err := range s.List(ctx, "") {
		require.Equal(t, want, err)
	}
	_, err = s.Sweep(ctx, time.Now(), 1)
	require.Equal(t, want, err)
	_, err = s.Backup(io.Discard)
	require.ErrorIs(t, err, want)
	require.Equal(t, want, s.Compact(ctx))
	require.Equal(t, want, s.Close())
	require.NoError(t, s.Close())
}

func TestStore_Path(t *testing.T) {
	t.Chdir(t.TempDir())
	require.Equal(t, "sessions.db", openAt(t, "sessions.db").Path())
	_, db := share(t, nil)
	require.FileExists(t, db.Path())
}

func TestStore_Close(t *testing.T) {
	t.Run("commits what waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			s := openAt(t, path)
			release := s.Hold()
			r := newRecord("alice", "waiting")
			var saved, closed, late error
			go func() { saved = s.Save(context.Background(), r) }()
			synctest.Wait()
			go func() { closed = s.Close() }()
			synctest.Wait()
			late = s.Save(context.Background(), newRecord("", "late"))
			release()
			synctest.Wait()
			require.NoError(t, saved)
			require.NoError(t, closed)
			require.ErrorIs(t, late, store.ErrClosed)
			holds(t, openAt(t, path), r)
		})
	})
	t.Run("while in use", func(t *testing.T) {
		for range 20 {
			s := open(t)
			r := newRecord("alice", "")
			save(t, s, r)
			var users sync.WaitGroup
			for range 8 {
				users.Go(func() { useUntilClosed(t, s, r) })
			}
			require.NoError(t, s.Close())
			users.Wait()
		}
	})
	t.Run("leaves a shared database open", func(t *testing.T) {
		s, db := share(t, nil)
		require.NoError(t, s.Close())
		require.NoError(t, db.Update(func(*bbolt.Tx) error { return nil }))
	})
}

// useUntilClosed calls everything until it fails, as it must, with ErrClosed.
func useUntilClosed(t *testing.T, s *bolt.Store, r store.Record) {
	ctx := context.Background()
	for _, call := range []func() error{
		func() error { _, err := s.Load(ctx, r.ID); return err },
		func() error { return s.Save(ctx, newRecord("alice", "")) },
		func() error { return s.Touch(ctx, r.ID, time.Now().Add(2*time.Hour)) },
		func() error { _, err := s.Sweep(ctx, time.Now(), 10); return err },
		func() error { _, err := s.Backup(io.Discard); return err },
		func() error { return s.Compact(ctx) },
		func() (err error) {
			for _, err = range s.List(ctx, "") {
			}
			return err
		},
	} {
		var err error
		for err == nil {
			err = call()
		}
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("not ErrClosed: %v", err)
		}
	}
}
