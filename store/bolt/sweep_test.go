package bolt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

var (
	recordsBucket = []byte("gimlet.records")
	expiryBucket  = []byte("gimlet.expiry")
	ownersBucket  = []byte("gimlet.owners")
	metaBucket    = []byte("gimlet.meta")
)

func entries(t *testing.T, db *bbolt.DB, bucket []byte) (keys []string) {
	t.Helper()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, _ []byte) error {
			keys = append(keys, string(k))
			return nil
		})
	}))
	return keys
}

// expiryEntry is the key of a record in the expiry index.
func expiryEntry(expires time.Time, id store.ID) string {
	return string(append(binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli())), id[:]...))
}

func TestExpiryIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, db := share(t, nil)
		r := newRecord("", "")
		first := r.Expires
		change := func(expires time.Time) {
			t.Helper()
			if r.Expires = expires; r.Version%2 == 0 {
				require.NoError(t, s.Touch(t.Context(), r.ID, expires))
				time.Sleep(time.Second)
				synctest.Wait()
			}
			r.Version++
			save(t, s, r)
		}
		save(t, s, r)
		require.Equal(t, []string{expiryEntry(first, r.ID)}, entries(t, db, expiryBucket))

		for i := range 2 { // by Save, then by Touch
			later := first.Add(time.Duration(i+1) * time.Hour)
			change(later)
			require.Equal(t, []string{expiryEntry(first, r.ID)}, entries(t, db, expiryBucket), "stays where it is")
			earlier := first.Add(-time.Duration(i+1) * time.Minute)
			first = earlier
			change(earlier)
			require.Equal(t, []string{expiryEntry(earlier, r.ID)}, entries(t, db, expiryBucket), "moves at once")
		}
		change(time.Time{})
		require.Empty(t, entries(t, db, expiryBucket))
		change(first)
		require.Equal(t, []string{expiryEntry(first, r.ID)}, entries(t, db, expiryBucket))

		// The sweep meets an entry that is too early and puts it back.
		change(first.Add(24 * time.Hour))
		time.Sleep(time.Until(first))
		n, err := s.Sweep(t.Context(), time.Now(), 10)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, []string{expiryEntry(r.Expires, r.ID)}, entries(t, db, expiryBucket))
		holds(t, s, r)
		require.NoError(t, s.Delete(t.Context(), r.ID))
		require.Empty(t, entries(t, db, expiryBucket))
	})
}

func TestSweep(t *testing.T) {
	expiring := func(t *testing.T, s *bolt.Store, n int) {
		records := make([]store.Record, n)
		for i := range records {
			records[i] = newRecord(fmt.Sprint(i%10), "")
		}
		save(t, s, records...)
	}
	for name, size := range journals {
		t.Run("in bounded transactions, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, bolt.WithJournal(size))
				records := 5*s.SweepVisits() + 1
				expiring(t, s, records)
				time.Sleep(time.Hour)
				before := s.Stats().Commits
				n, err := s.Sweep(t.Context(), time.Now(), 1e6)
				require.NoError(t, err)
				require.Equal(t, records, n)
				require.EqualValues(t, 6, s.Stats().Commits-before)
				require.EqualValues(t, n, s.Stats().Swept)
			})
		})
	}
	t.Run("shorter ones where saves wait for them", func(t *testing.T) {
		require.Less(t, open(t, bolt.WithJournal(0)).SweepVisits(), open(t).SweepVisits())
	})
	t.Run("up to its limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			expiring(t, s, 10)
			time.Sleep(time.Hour)
			for _, want := range []int{4, 4, 2, 0} {
				n, err := s.Sweep(t.Context(), time.Now(), 4)
				require.NoError(t, err)
				require.Equal(t, want, n)
			}
		})
	})
	t.Run("stops with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			expiring(t, s, 3*bolt.MaxVisits)
			time.Sleep(time.Hour)
			ctx, cancel := context.WithCancel(t.Context())
			release := s.HoldDatabase()
			failed := make(chan error, 1)
			go func() {
				_, err := s.Sweep(ctx, time.Now(), 1e6)
				failed <- err
			}()
			synctest.Wait() // the first part is in the queue
			require.Empty(t, failed)
			cancel()
			require.ErrorIs(t, <-failed, context.Canceled)
			release()
			synctest.Wait()
			require.Zero(t, s.Stats().Swept)
		})
	})
}

// What cannot be moved from the journal, since the disk is full, does not keep a
// sweep from making room.
func TestSweep_fullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		for range 200 {
			save(t, s, newRecord("alice", string(make([]byte, 1000))))
		}
		require.NoError(t, s.CheckpointWhile(t.Context(), func() error { return nil }))
		require.NoError(t, s.CheckpointWhile(t.Context(), func() error {
			s.LimitSize(1) // it cannot grow any more
			return nil
		}))
		save(t, s, newRecord("bob", string(make([]byte, 150_000))))
		time.Sleep(time.Hour)
		n, err := s.Sweep(t.Context(), time.Now(), 1000)
		require.ErrorIs(t, err, store.ErrFull)
		require.Equal(t, 200, n)
		n, err = s.Sweep(t.Context(), time.Now(), 1000)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestSweep_pendingTouches(t *testing.T) {
	t.Run("what a touch that is not written has ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, bolt.WithTouchInterval(24*time.Hour))
			records := make([]store.Record, bolt.MaxVisits+3)
			for i := range records {
				records[i] = newRecord("alice", "")
			}
			save(t, s, records...)
			for _, r := range records {
				require.NoError(t, s.Touch(t.Context(), r.ID, time.Now().Add(time.Minute)))
			}
			time.Sleep(time.Minute)
			n, err := s.Sweep(t.Context(), time.Now(), 1)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			n, err = s.Sweep(t.Context(), time.Now(), 1e6)
			require.NoError(t, err)
			require.Equal(t, len(records)-1, n)
			require.Zero(t, s.Pending())
		})
	})
	t.Run("not what a touch that is not written keeps alive", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, bolt.WithTouchInterval(24*time.Hour))
			r := newRecord("alice", "")
			save(t, s, r)
			r.Expires = r.Expires.Add(time.Hour)
			require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
			time.Sleep(time.Hour)
			n, err := s.Sweep(t.Context(), time.Now(), 10)
			require.NoError(t, err)
			require.Zero(t, n)
			holds(t, s, r)
		})
	})
}

// TestSweep_damage puts all that damage can leave into the expiry index.
func TestSweep_damage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := bolt.Open(path)
	past := time.Now().Add(-time.Hour)
	gone, broken, moved, never := newRecord("", ""), newRecord("", ""), newRecord("", ""), newRecord("", "")
	broken.Expires, gone.Expires = past, past
	never.Expires = time.Time{}
	save(t, s, broken, moved, never)
	require.NoError(t, s.Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		flip(t, tx.Bucket(recordsBucket), broken.ID[:])
		for _, k := range []string{
			expiryEntry(past, gone.ID),  // no record
			expiryEntry(past, moved.ID), // a record that stands elsewhere
			expiryEntry(past, never.ID), // a record that stands nowhere
			"\x00\x00\x00short",
		} {
			require.NoError(t, tx.Bucket(expiryBucket).Put([]byte(k), nil))
		}
		return nil
	})
	s = bolt.Open(path)
	for range 2 {
		n, err := s.Sweep(t.Context(), time.Now(), 10)
		require.Zero(t, n)
		var corrupt *bolt.CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.Equal(t, broken.ID, corrupt.ID)
	}
	holds(t, s, moved, never)
	save(t, s, gone)
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.Equal(t, 1, n, "the damaged one does not keep out the others")
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.NoError(t, s.Delete(t.Context(), broken.ID))
	require.NoError(t, s.Close()) // nobody knew its index entry, which is found now
	s = openAt(t, path)
	n, err = s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Zero(t, n)
}

// flip alters the last byte of the data under k.
func flip(t *testing.T, b *bbolt.Bucket, k []byte) {
	t.Helper()
	v := append([]byte(nil), b.Get(k)...)
	require.NotEmpty(t, v)
	v[len(v)-5] ^= 1
	require.NoError(t, b.Put(k, v))
}
