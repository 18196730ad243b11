package bolt_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestCompact(t *testing.T) {
	ways := map[string]func(*bolt.Store, context.Context) error{
		"open files":   (*bolt.Store).Compact,
		"closed files": (*bolt.Store).CompactClosed,
	}
	for name, compact := range ways {
		t.Run(name, func(t *testing.T) {
			testCompact(t, compact)
			testCompactFails(t, compact)
		})
	}
}

func testCompact(t *testing.T, compact func(*bolt.Store, context.Context) error) {
	size := func(s *bolt.Store) int64 {
		info, err := os.Stat(s.Path())
		require.NoError(t, err)
		return info.Size()
	}
	t.Run("shrinks and keeps everything", func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(time.Hour), bolt.WithJournal(0))
		records := make([]store.Record, 1000)
		for i := range records {
			records[i] = newRecord(fmt.Sprint(i%10), string(make([]byte, 2000)))
		}
		save(t, s, records...)
		var deletes sync.WaitGroup
		for _, r := range records[50:] {
			deletes.Go(func() { _ = s.Delete(context.Background(), r.ID) })
		}
		deletes.Wait()
		kept := records[:50]
		kept[0].Expires = kept[0].Expires.Add(time.Hour)
		require.NoError(t, s.Touch(t.Context(), kept[0].ID, kept[0].Expires))
		before := size(s)
		require.NoError(t, compact(s, t.Context()))
		require.Less(t, size(s), before/5)
		holds(t, s, kept...)
		require.Len(t, list(t, s, ""), 50)
		more := newRecord("alice", "more")
		save(t, s, more)
		require.NoError(t, compact(s, t.Context()))
		require.NoError(t, s.Close())
		verify(t, s.Path())
		again := openAt(t, s.Path())
		holds(t, again, append(kept, more)...)
	})
	t.Run("while in use", func(t *testing.T) {
		s := open(t)
		stop := keepSaving(t, s)
		for range 5 {
			require.NoError(t, compact(s, t.Context()))
			_, err := s.Backup(&bytes.Buffer{})
			require.NoError(t, err)
		}
		holds(t, s, stop()...)
		other := bolt.Open(s.Path(), bolt.WithLockTimeout(time.Millisecond))
		require.ErrorIs(t, other.Err(), bolt.ErrLocked)
	})
}

func testCompactFails(t *testing.T, compact func(*bolt.Store, context.Context) error) {
	t.Run("that fails leaves the file", func(t *testing.T) {
		s := open(t)
		r := newRecord("", "")
		save(t, s, r)
		blocker := s.Path() + ".tmp"
		require.NoError(t, os.MkdirAll(filepath.Join(blocker, "full"), 0o700))
		require.ErrorContains(t, compact(s, t.Context()), "bolt: compact "+s.Path())
		require.NoError(t, os.RemoveAll(blocker))
		holds(t, s, r)
		require.NoError(t, compact(s, t.Context()))
		holds(t, s, r)
	})
}

func TestCompact_givesUp(t *testing.T) {
	t.Run("with its context", func(t *testing.T) {
		s := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Compact(ctx), context.Canceled)
	})
	t.Run("when the store is closed", func(t *testing.T) {
		s := open(t, bolt.WithJournal(0))
		release := s.Hold()
		errs := make(chan error)
		go func() { errs <- s.Compact(context.Background()) }()
		for s.Waiting() == 0 {
		}
		go s.Close()
		for !s.Closing() {
		}
		release()
		require.ErrorIs(t, <-errs, store.ErrClosed)
		require.NoFileExists(t, s.Path()+".tmp")
	})
	t.Run("a shared database", func(t *testing.T) {
		s, _ := share(t, nil)
		require.ErrorContains(t, s.Compact(t.Context()), "owned by the program")
	})
}

func TestCompact_keepsTheBucketsOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	require.NoError(t, bolt.Open(path).Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("others"))
		require.NoError(t, err)
		require.NoError(t, b.SetSequence(7))
		inner, err := b.CreateBucket([]byte("inner"))
		require.NoError(t, err)
		for i := range 2000 { // more than one transaction copies
			require.NoError(t, inner.Put(fmt.Appendf(nil, "%5d", i), make([]byte, 5000)))
		}
		return b.Put([]byte("z"), nil)
	})
	s := bolt.Open(path)
	require.NoError(t, s.Compact(t.Context()))
	require.NoError(t, s.Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("others"))
		require.EqualValues(t, 7, b.Sequence())
		require.NotNil(t, b.Get([]byte("z")))
		require.Equal(t, 2000, b.Bucket([]byte("inner")).Stats().KeyN)
		return nil
	})
}
