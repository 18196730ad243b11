package bolt_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// inBubble runs a subtest with a new store inside a bubble, once with a journal
// and once without.
func inBubble(t *testing.T, name string, test func(t *testing.T, s *bolt.Store), opts ...bolt.Option) {
	for kind, size := range journals {
		t.Run(name+"/"+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, open(t, append(opts, bolt.WithJournal(size))...)) })
		})
	}
}

// journals are the sizes with which most tests are run.
var journals = map[string]int64{"journal": 1 << 20, "no journal": 0}

func touch(t *testing.T, s *bolt.Store, r *store.Record, d time.Duration) {
	t.Helper()
	r.Expires = time.Now().Add(d)
	require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	holds(t, s, *r)
}

func TestTouch(t *testing.T) {
	inBubble(t, "is written later and together", func(t *testing.T, s *bolt.Store) {
		r, other := newRecord("alice", ""), newRecord("", "")
		save(t, s, r)
		save(t, s, other)
		for i := range 10 {
			touch(t, s, &r, time.Duration(i+2)*time.Hour)
		}
		touch(t, s, &other, time.Minute)
		require.Equal(t, 2, s.Pending())
		require.EqualValues(t, 2, s.Stats().Commits)
		require.EqualValues(t, 11, s.Stats().Touches)
		require.EqualValues(t, 9, s.Stats().Coalesced)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Zero(t, s.Pending())
		require.EqualValues(t, 3, s.Stats().Commits)
		require.EqualValues(t, 2, s.Stats().Changes)
		holds(t, s, r, other)
		time.Sleep(time.Hour) // and nothing more
		require.EqualValues(t, 3, s.Stats().Commits)
	})
	inBubble(t, "to the same expiry is nothing", func(t *testing.T, s *bolt.Store) {
		r := newRecord("", "")
		save(t, s, r)
		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
		require.Zero(t, s.Pending())
	})
	inBubble(t, "waits in bounded memory", func(t *testing.T, s *bolt.Store) {
		records := make([]store.Record, bolt.MaxPending+100)
		for i := range records {
			records[i] = newRecord("", "")
		}
		save(t, s, records...)
		for i := range records {
			records[i].Expires = time.Now().Add(2 * time.Hour)
			require.NoError(t, s.Touch(t.Context(), records[i].ID, records[i].Expires))
			require.LessOrEqual(t, s.Pending(), bolt.MaxPending)
		}
		holds(t, s, records...)
	})
}

func TestTouch_otherChanges(t *testing.T) {
	inBubble(t, "gives way to a save", func(t *testing.T, s *bolt.Store) {
		r := newRecord("", "")
		save(t, s, r)
		touch(t, s, &r, 5*time.Hour)
		r.Version, r.Expires = 2, time.Now().Add(2*time.Hour)
		save(t, s, r)
		require.Zero(t, s.Pending())
		holds(t, s, r)
	})
	inBubble(t, "does not outlive its record", func(t *testing.T, s *bolt.Store) {
		r := newRecord("", "")
		save(t, s, r)
		again := r
		touch(t, s, &r, 5*time.Hour)
		require.NoError(t, s.Delete(t.Context(), r.ID))
		lacks(t, s, r.ID)
		require.ErrorIs(t, s.Touch(t.Context(), r.ID, r.Expires), store.ErrNotFound)
		save(t, s, again)
		holds(t, s, again)
	})
	inBubble(t, "does not follow the record through one group", func(t *testing.T, s *bolt.Store) {
		// Deleted and inserted again with the same bytes, in one transaction.
		r := newRecord("", "same")
		save(t, s, r)
		require.NoError(t, s.Touch(t.Context(), r.ID, time.Now().Add(5*time.Hour)))
		release := s.Hold()
		go func() { _ = s.Delete(context.Background(), r.ID) }()
		synctest.Wait()
		go func() { _ = s.Save(context.Background(), r) }()
		synctest.Wait()
		release()
		synctest.Wait()
		holds(t, s, r)
		require.Zero(t, s.Pending())
	})
	inBubble(t, "ends a life", func(t *testing.T, s *bolt.Store) {
		r := newRecord("alice", "")
		save(t, s, r)
		require.NoError(t, s.Touch(t.Context(), r.ID, time.Now()))
		lacks(t, s, r.ID)
		require.Empty(t, list(t, s, "alice"))
		require.ErrorIs(t, s.Touch(t.Context(), r.ID, time.Time{}), store.ErrNotFound)
		r.Version = 2
		require.ErrorIs(t, s.Save(t.Context(), r), store.ErrNotFound)
		r.Version = 1
		save(t, s, r)
		holds(t, s, r)
	})
}

func TestTouch_isWrittenByClose(t *testing.T) {
	for name, size := range journals {
		t.Run(name, func(t *testing.T) { testTouchAtClose(t, size) })
	}
}

func testTouchAtClose(t *testing.T, journal int64) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := openAt(t, path, bolt.WithTouchInterval(time.Hour), bolt.WithJournal(journal))
	r := newRecord("alice", "")
	save(t, s, r)
	r.Expires = r.Expires.Add(time.Hour)
	require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	stored := func() (b []byte) {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.View(func(tx *bbolt.Tx) error {
			b = append(b, tx.Bucket([]byte("gimlet.records")).Get(r.ID[:])...)
			return nil
		}))
		return b
	}
	require.NoError(t, s.Close())
	indexed := r.Expires.UnixMilli()
	if journal == 0 {
		indexed -= time.Hour.Milliseconds() // where Save has put it
	}
	require.Equal(t, bolt.Encode(r, indexed), stored())
}

func TestTouch_thatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bolt.Open(filepath.Join(t.TempDir(), "sessions.db"), bolt.WithJournal(0))
		r := newRecord("", "")
		save(t, s, r)
		r.Expires = r.Expires.Add(time.Hour)
		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
		require.NoError(t, s.CloseFile())
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, s.Pending())
		holds(t, s, r)
		require.ErrorContains(t, s.Close(), "file already closed")
	})
}
