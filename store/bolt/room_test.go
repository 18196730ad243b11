package bolt_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// However many touches there are, all are written when about one interval has
// passed, and not a group of them in each.
func TestTouch_allWithinTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(time.Minute))
		records := make([]store.Record, 1500)
		for i := range records {
			records[i] = newRecord("", "")
		}
		save(t, s, records...)
		for i := range records {
			records[i].Expires = records[i].Expires.Add(time.Hour)
			require.NoError(t, s.Touch(t.Context(), records[i].ID, records[i].Expires))
		}
		require.Equal(t, len(records), s.Pending())
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Zero(t, s.Pending())
		holds(t, s, records...)
	})
}

// The bound of the touches that wait in memory holds as well when many come at
// once.
func TestTouch_boundedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(time.Hour))
		records := make([]store.Record, bolt.MaxPending+2048)
		calls := make([]func() error, len(records))
		for i := range records {
			r := newRecord("", "")
			records[i], calls[i] = r, func() error {
				return s.Touch(context.Background(), r.ID, r.Expires.Add(time.Minute))
			}
		}
		save(t, s, records...)
		for _, err := range together(s, calls...) {
			require.NoError(t, err)
		}
		require.NotZero(t, s.Pending())
		require.LessOrEqual(t, s.Pending(), bolt.MaxPending)
	})
}

// After a Compact whose rename may not last nothing is committed to the new file
// before it does: a loss of power may bring back the old one. Then all goes on.
func TestCompact_unsynced(t *testing.T) {
	for name, compact := range map[string]func(*bolt.Store, context.Context) (func(), error){
		"open files":   (*bolt.Store).CompactUnsynced,
		"closed files": (*bolt.Store).CompactClosedUnsynced,
	} {
		t.Run(name, func(t *testing.T) {
			s := bolt.Open(filepath.Join(t.TempDir(), "sessions.db"), bolt.WithJournal(0))
			r, refused := newRecord("alice", "kept"), newRecord("", "refused")
			save(t, s, r)
			mend, err := compact(s, t.Context())
			require.ErrorIs(t, err, syscall.ENOTDIR)
			holds(t, s, r)
			requireNotSaved(t, s.Save(t.Context(), refused), syscall.ENOTDIR)
			lacks(t, s, refused.ID)
			mend()
			save(t, s, refused)
			require.NoError(t, s.Close())
			holds(t, openAt(t, s.Path(), bolt.WithLockTimeout(time.Second)), r, refused)
		})
	}
}

// With a journal nobody notices, unless there is no room in it.
func TestCompact_unsyncedWithJournal(t *testing.T) {
	s := open(t)
	r, more := newRecord("alice", "kept"), newRecord("", "more")
	save(t, s, r)
	mend, err := s.CompactUnsynced(t.Context())
	require.Error(t, err)
	save(t, s, more)
	large := newRecord("", string(make([]byte, 8<<20)))
	requireNotSaved(t, s.Save(t.Context(), large), syscall.ENOTDIR)
	mend()
	save(t, s, large)
	holds(t, s, r, more, large)
}

// After a commit that failed nothing is committed until the newest meta page
// was written again, since the disk may not have it. Then all goes on.
func TestCommit_healsAfterAFailure(t *testing.T) {
	s := open(t, bolt.WithJournal(0))
	r, large := newRecord("alice", "kept"), newRecord("", string(make([]byte, 8<<20)))
	save(t, s, r)
	limit := s.LimitSize(4 << 20)
	require.ErrorIs(t, s.Save(t.Context(), large), bberrors.ErrMaxSizeReached)
	s.LimitSize(limit)

	unwritable, err := os.Open(s.Path())
	require.NoError(t, err)
	defer unwritable.Close()
	file := s.SwapFile(unwritable)
	refused := newRecord("", "refused")
	var pathError *os.PathError
	require.ErrorAs(t, s.Save(t.Context(), refused), &pathError)
	require.Equal(t, "write", pathError.Op)
	holds(t, s, r)
	lacks(t, s, refused.ID)

	s.SwapFile(file)
	save(t, s, refused)
	s.SwapFile(unwritable)
	more := newRecord("bob", "more")
	save(t, s, more) // there is nothing to heal any more
	s.SwapFile(file)
	holds(t, s, r, refused, more)
}
