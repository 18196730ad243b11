package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

var (
	damagedID = store.ID{0: 9, 15: 1}
	neighbour = store.Record{ID: store.ID{0: 9, 15: 2}, Version: 1, Owner: "alice", Data: []byte("of the neighbour")}
)

// FuzzBoltRecord puts any bytes into a bbolt file in the place of a record, with
// or without a checksum that fits, and index entries that lead to it. Every
// method does its work or reports the damage; none returns what belongs to
// another record; and when the record is deleted, nothing of it stays.
func FuzzBoltRecord(f *testing.F) {
	for _, body := range boltSeeds() {
		f.Add(body, false)
		f.Add(body, true)
	}
	db := openBolt(f)
	f.Fuzz(func(t *testing.T, body []byte, sum bool) {
		stored := body
		if sum {
			stored = withSum(damagedID, body)
		}
		if len(stored) > 64<<10 {
			return // it would only take longer
		}
		empty(t, db)
		s, err := bolt.New(db)
		require.NoError(t, err)
		require.NoError(t, s.Save(t.Context(), neighbour))
		putRaw(t, db, stored)
		reads(t, s, stored)
		writes(t, s)
		require.NoError(t, s.Close())
		require.Zero(t, entriesOf(t, db, damagedID), "index entries are left")
	})
}

// openBolt opens a database in which a commit costs no sync.
func openBolt(t testing.TB) *bbolt.DB {
	t.Helper()
	o := &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true}
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "sessions.db"), 0o600, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// empty removes what an earlier input has left, if it failed.
func empty(t *testing.T, db *bbolt.DB) {
	t.Helper()
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		var names [][]byte
		err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, bytes.Clone(name))
			return nil
		})
		for _, name := range names {
			err = errors.Join(err, tx.DeleteBucket(name))
		}
		return err
	}))
}

// putRaw writes bytes in the place of a record, and entries of both indexes.
func putRaw(t *testing.T, db *bbolt.DB, stored []byte) {
	t.Helper()
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		due := append(binary.BigEndian.AppendUint64(nil, 1), damagedID[:]...)
		owned := append([]byte("\x00\x05alice"), damagedID[:]...)
		return errors.Join(
			tx.Bucket([]byte("gimlet.records")).Put(damagedID[:], stored),
			tx.Bucket([]byte("gimlet.expiry")).Put(due, []byte{}),
			tx.Bucket([]byte("gimlet.owners")).Put(owned, []byte{}),
		)
	}))
}

// reads requires that the record is read as it is stored, or not at all, and
// its neighbour as ever.
func reads(t *testing.T, s *bolt.Store, stored []byte) {
	t.Helper()
	genuine := func(r store.Record) {
		require.Equal(t, damagedID, r.ID)
		body := stored[:max(0, len(stored)-4)]
		require.Equal(t, withSum(damagedID, body), stored, "read in spite of its checksum")
		require.True(t, bytes.HasSuffix(body, append([]byte(r.Owner), r.Data...)))
	}
	if r, err := s.Load(t.Context(), damagedID); err == nil {
		genuine(r)
	} else {
		oneOf(t, err, store.ErrCorrupt, store.ErrNotFound)
	}
	for _, owner := range []string{"", "alice", "bob"} {
		found := false
		for r, err := range s.List(t.Context(), owner) {
			switch {
			case r.ID == neighbour.ID:
				require.NoError(t, err)
				require.Equal(t, neighbour, r)
				found = true
			case err != nil:
				require.ErrorIs(t, err, store.ErrCorrupt)
				require.Equal(t, store.Record{ID: damagedID}, r)
			default:
				genuine(r)
			}
		}
		require.Equal(t, owner != "bob", found, "list %q", owner)
	}
}

// writes requires that what alters the record works or is refused, and that it
// can be deleted and made anew.
func writes(t *testing.T, s *bolt.Store) {
	t.Helper()
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	oneOf(t, err, nil, store.ErrCorrupt)
	require.LessOrEqual(t, n, 1)
	oneOf(t, s.Touch(t.Context(), damagedID, time.Now().Add(time.Hour)), nil, store.ErrCorrupt, store.ErrNotFound)
	fresh := store.Record{ID: damagedID, Version: 2, Owner: "bob", Data: []byte("new")}
	oneOf(t, s.Save(t.Context(), fresh), nil, store.ErrCorrupt, store.ErrConflict, store.ErrNotFound)
	fresh.Version = 1
	oneOf(t, s.Save(t.Context(), fresh), nil, store.ErrCorrupt, store.ErrConflict)

	require.NoError(t, s.Delete(t.Context(), damagedID))
	_, err = s.Load(t.Context(), damagedID)
	require.ErrorIs(t, err, store.ErrNotFound)
	for _, err := range s.List(t.Context(), "alice") {
		require.NoError(t, err)
	}
	_, err = s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), fresh))
	r, err := s.Load(t.Context(), damagedID)
	require.NoError(t, err)
	require.Equal(t, fresh, r)
	require.NoError(t, s.Delete(t.Context(), damagedID))
	r, err = s.Load(t.Context(), neighbour.ID)
	require.NoError(t, err)
	require.Equal(t, neighbour, r)
}

// oneOf requires that err is one of wanted, where nil stands for no error.
func oneOf(t *testing.T, err error, wanted ...error) {
	t.Helper()
	for _, want := range wanted {
		if errors.Is(err, want) {
			return
		}
	}
	require.Fail(t, "an error that should not be", "%v", err)
}

// entriesOf counts the index entries that end with an ID.
func entriesOf(t *testing.T, db *bbolt.DB, id store.ID) (n int) {
	t.Helper()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		for _, index := range []string{"gimlet.expiry", "gimlet.owners"} {
			err := tx.Bucket([]byte(index)).ForEach(func(k, _ []byte) error {
				if bytes.HasSuffix(k, id[:]) {
					n++
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return n
}

// boltSeeds are records as docs/format.md describes them, without a checksum,
// and damaged ones.
func boltSeeds() (seeds [][]byte) {
	const far = 7_258_118_400_000 // 2200-01-01
	for _, expires := range []uint64{0, 1, far, 1<<63 - 1, 1 << 63} {
		for _, lag := range []uint64{0, 1, expires - 1, expires} {
			for _, owner := range []string{"", "alice", "bob"} {
				seeds = append(seeds, boltRecord(1, expires, lag, owner, "data"))
			}
		}
	}
	for b := range damaged(boltRecord(2, far, 3_600_000, "alice", "data"), 30) {
		seeds = append(seeds, b)
	}
	body := boltRecord(1, 0, 0, "alice", "of the neighbour")
	return append(seeds,
		nil,
		[]byte{1},
		make([]byte, 9),
		boltRecord(1, far, 0, string(make([]byte, 513)), ""),
		withSum(neighbour.ID, body),
		binary.BigEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))),
	)
}

func boltRecord(version, expires, lag uint64, owner, data string) []byte {
	b := []byte{1}
	for _, v := range []uint64{version, expires, lag} {
		b = binary.AppendUvarint(b, v)
	}
	return append(append(b, block([]byte(owner))...), data...)
}
