package bolt_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// together makes all calls wait for the writer, lets it go on and returns
// their errors.
func together(s *bolt.Store, calls ...func() error) []error {
	release := s.Hold()
	errs := make([]error, len(calls))
	for i, call := range calls {
		go func() { errs[i] = call() }()
	}
	synctest.Wait()
	release()
	synctest.Wait()
	return errs
}

func saving(s *bolt.Store, r store.Record) func() error {
	return func() error { return s.Save(context.Background(), r) }
}

func TestGroup(t *testing.T) {
	inBubble(t, "writers share a commit", func(t *testing.T, s *bolt.Store) {
		var calls []func() error
		var records []store.Record
		for range 64 {
			r := newRecord("alice", "shared")
			records, calls = append(records, r), append(calls, saving(s, r))
		}
		for _, err := range together(s, calls...) {
			require.NoError(t, err)
		}
		stats := s.Stats()
		require.EqualValues(t, 1, stats.Commits)
		require.EqualValues(t, 64, stats.Changes)
		require.EqualValues(t, 64, stats.LargestGroup)
		holds(t, s, records...)
	})
	inBubble(t, "compares with what the group has saved", func(t *testing.T, s *bolt.Store) {
		r := newRecord("alice", "1")
		save(t, s, r)
		r.Version = 2
		var calls []func() error
		for range 10 {
			calls = append(calls, saving(s, r))
		}
		won := 0
		for _, err := range together(s, calls...) {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, store.ErrConflict)
		}
		require.Equal(t, 1, won)
		require.EqualValues(t, 2, s.Stats().Commits)
	})
	inBubble(t, "has bounds", func(t *testing.T, s *bolt.Store) {
		var calls []func() error
		for range 12 {
			calls = append(calls, saving(s, newRecord("", string(make([]byte, 1<<20)))))
		}
		for _, err := range together(s, calls...) {
			require.NoError(t, err)
		}
		require.LessOrEqual(t, s.Stats().LargestGroup, uint64(4))
	})
	inBubble(t, "costs nothing when nothing changes", func(t *testing.T, s *bolt.Store) {
		r := newRecord("", "")
		r.Version = 2
		errs := together(s, saving(s, r), func() error { return s.Delete(context.Background(), r.ID) })
		require.ErrorIs(t, errs[0], store.ErrNotFound)
		require.NoError(t, errs[1])
		require.Zero(t, s.Stats().Commits)
	})
}

func TestGroup_failures(t *testing.T) {
	t.Run("of a commit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := bolt.Open(t.TempDir()+"/sessions.db", bolt.WithJournal(0))
			kept, other := newRecord("alice", ""), newRecord("bob", "")
			save(t, s, kept, other)
			before := s.Stats().Commits
			lost := kept
			lost.Version = 2
			require.NoError(t, s.CloseFile())
			errs := together(s,
				saving(s, lost),
				saving(s, lost),
				saving(s, newRecord("", "")),
				saving(s, other), // refused for what was there before
			)
			// One of the first two was refused for what the other had done.
			for _, err := range errs[:3] {
				require.ErrorContains(t, err, "file already closed")
				require.ErrorContains(t, err, s.Path())
			}
			require.ErrorIs(t, errs[3], store.ErrConflict)
			holds(t, s, kept, other)
			require.Equal(t, before, s.Stats().Commits)
			require.Error(t, s.Close())
		})
	})
	t.Run("of one that is too large", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := share(t, &bbolt.Options{MaxSize: 1 << 20, PageSize: 4096})
			small, large := newRecord("alice", "small"), newRecord("bob", "")
			large.Data = bytes.Repeat([]byte("large"), 1<<18)
			errs := together(s, saving(s, small), saving(s, large))
			require.NoError(t, errs[0])
			require.ErrorIs(t, errs[1], bberrors.ErrMaxSizeReached)
			holds(t, s, small)
			lacks(t, s, large.ID)
		})
	})
}

func TestSave_refuses(t *testing.T) {
	s := open(t)
	r := newRecord("alice", "")
	r.Data = make([]byte, 64<<20+1)
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrTooLarge)
	r = newRecord("alice", "")
	r.Version = 0
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrInvalid)
	require.Zero(t, s.Stats().Commits)
}

// Touches that are put off, for they would take too much memory at once, are answered
// also when there is no room for the changes of their group.
func TestGroup_noRoomAndTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(0))
		var calls []func() error
		for range 4 {
			r := newRecord("", string(make([]byte, 300<<10)))
			save(t, s, r)
			calls = append(calls, func() error {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				return s.Touch(ctx, r.ID, r.Expires.Add(time.Hour))
			})
		}
		undo := s.HookWrites(full)
		calls = append(calls, saving(s, newRecord("", "one")), saving(s, newRecord("", "another")))
		errs := together(s, calls...)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, err := range errs[:4] {
			require.NoError(t, err)
		}
		for _, err := range errs[4:] {
			requireNotSaved(t, err, store.ErrFull)
		}
		release := s.Hold()
		undo()
		release()
	})
}
