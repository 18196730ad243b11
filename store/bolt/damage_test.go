package bolt_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestCorruptRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := bolt.Open(path)
	broken, good := newRecord("alice", "broken"), newRecord("alice", "good")
	save(t, s, broken, good)
	require.NoError(t, s.Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		flip(t, tx.Bucket(recordsBucket), broken.ID[:])
		return nil
	})
	s = openAt(t, path)
	damaged := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, broken.ID.String())
		var corrupt *bolt.CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.Equal(t, broken.ID, corrupt.ID)
		require.Equal(t, path, corrupt.Path)
	}
	got, err := s.Load(t.Context(), broken.ID)
	damaged(err)
	require.Zero(t, got)
	damaged(s.Touch(t.Context(), broken.ID, time.Time{}))
	for version := range uint64(3) {
		r := broken
		r.Version = version + 1
		damaged(s.Save(t.Context(), r))
	}
	holds(t, s, good) // what can be read is served
	require.NoError(t, s.Delete(t.Context(), broken.ID))
	lacks(t, s, broken.ID)
	save(t, s, broken)
	holds(t, s, broken)
}

// unusable requires that a store has failed and can still be closed, which
// gives up its lock.
func unusable(t *testing.T, s *bolt.Store) {
	t.Helper()
	failed := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, bolt.ErrDamaged)
		require.ErrorContains(t, err, s.Path())
	}
	_, err := s.Load(t.Context(), store.ID{1})
	failed(err)
	failed(s.Save(t.Context(), newRecord("", "")))
	failed(s.Touch(t.Context(), store.ID{1}, time.Time{}))
	failed(s.Delete(t.Context(), store.ID{1}))
	_, err = s.Sweep(t.Context(), time.Now(), 1)
	failed(err)
	_, err = s.Backup(io.Discard)
	failed(err)
	failed(s.Compact(t.Context()))
	for _, err := range s.List(t.Context(), "") {
		failed(err)
	}
	require.NoError(t, s.Close())
	unlocked(t, s.Path())
}

// unlocked requires that nobody holds the lock of the file.
func unlocked(t *testing.T, path string) {
	t.Helper()
	s := bolt.Open(path, bolt.WithLockTimeout(time.Millisecond))
	require.NotErrorIs(t, s.Err(), bolt.ErrLocked)
	if s.Err() == nil {
		require.NoError(t, s.Close())
	}
}

func TestFileCutOffWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut off")
	}
	path := filepath.Join(t.TempDir(), "sessions.db")
	require.NoError(t, os.WriteFile(path, sample(t), 0o600))
	for name, use := range map[string]func(s *bolt.Store) error{
		"read":  func(s *bolt.Store) error { _, err := s.Load(t.Context(), store.ID{1}); return err },
		"write": func(s *bolt.Store) error { return s.Save(t.Context(), newRecord("", "")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			require.NoError(t, os.WriteFile(path, sample(t), 0o600))
			s := bolt.Open(path)
			require.NoError(t, s.Err())
			require.NoError(t, os.Truncate(path, 0))
			require.ErrorIs(t, use(s), bolt.ErrDamaged)
			unusable(t, s)
		})
	}
}

// TestDamagedPages overwrites pages under an open store, all but those of the
// free list, which bbolt has read by then.
func TestDamagedPages(t *testing.T) {
	whole := sample(t)
	size, failures := os.Getpagesize(), 0
	for page := 2; page*size < usedBytes(t, whole); page++ {
		path := filepath.Join(t.TempDir(), "sessions.db")
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		s := bolt.Open(path)
		require.NoError(t, s.Err())
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, size), int64(page*size))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		for _, err = range s.List(t.Context(), "") {
			if err != nil {
				break
			}
		}
		if err == nil {
			err = s.Save(t.Context(), newRecord("alice", ""))
		}
		if err == nil {
			_, err = s.Sweep(t.Context(), time.Now().Add(time.Hour), 1000)
		}
		if err == nil {
			require.NoError(t, s.Close())
			continue // the page is free, or of a bucket that was not read
		}
		failures++
		unusable(t, s)
	}
	require.Greater(t, failures, 5)
}

func TestCorruptError(t *testing.T) {
	err := &bolt.CorruptError{Path: "sessions.db", Err: io.ErrUnexpectedEOF}
	const remedy = "; restore a backup, or rescue what can be read with bolt.WithSalvage"
	require.EqualError(t, err, "bolt: sessions.db is damaged: unexpected EOF"+remedy)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	err.Page = 17
	require.EqualError(t, err, "bolt: sessions.db is damaged: page 17: unexpected EOF"+remedy)
	err.ID = store.ID{15: 1}
	require.EqualError(t, err, "bolt: sessions.db: record "+strings.Repeat("0", 31)+"1 is damaged: unexpected EOF")
}
