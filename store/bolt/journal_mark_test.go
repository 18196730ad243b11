package bolt_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// marked writes both files with another mark in the database: what edit makes
// of the one that is there.
func marked(t *testing.T, db, journal []byte, edit func(mark []byte) []byte) (path string) {
	t.Helper()
	path = put(t, db, journal)
	raw(t, path, func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte("gimlet.meta"))
		mark := edit(append([]byte(nil), meta.Get([]byte("journal"))...))
		return meta.Put([]byte("journal"), mark)
	})
	return path
}

// unchanged requires that Open reports damage, and leaves both files alone.
func unchanged(t *testing.T, path string, opts ...bolt.Option) error {
	t.Helper()
	var before [2][]byte
	for i, name := range []string{path, bolt.Journal(path)} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		before[i] = b
	}
	s := bolt.Open(path, opts...)
	require.ErrorIs(t, s.Err(), bolt.ErrDamaged)
	require.Equal(t, s.Err(), s.Close())
	for i, name := range []string{path, bolt.Journal(path)} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, before[i], b, name)
	}
	unlocked(t, path)
	return s.Err()
}

// A mark that is damaged leads to no panic and to no loss.
func TestMark_damage(t *testing.T) {
	db, journal, records := logged(t)
	for _, length := range []int{0, 1, 16, 23, 25, 27, 29} {
		err := unchanged(t, marked(t, db, journal, func(b []byte) []byte { return append(b, 0)[:length] }))
		require.ErrorContains(t, err, "which journal is its own")
	}
	for at := range 28 {
		flipped := func(b []byte) []byte {
			b[at] ^= 1
			return b
		}
		require.ErrorContains(t, unchanged(t, marked(t, db, journal, flipped)), "checksum mismatch")
	}
	// Those of marks before there was a checksum are believed.
	from := func(position uint64) func([]byte) []byte {
		return func(b []byte) []byte { return binary.BigEndian.AppendUint64(b[:16], position) }
	}
	holds(t, reopen(t, marked(t, db, journal, from(0))), records...) // nothing is wrong with this one
	for _, position := range []uint64{1 << 63, 1<<63 + 1, math.MaxUint64, math.MaxUint64 - 511} {
		unchanged(t, marked(t, db, journal, from(position)))
	}
	// Beyond all frames, as after a change that went round the journal.
	for _, position := range []uint64{math.MaxInt64 - 1<<21, math.MaxInt64 - 1} {
		s := bolt.Open(marked(t, db, journal, from(position)))
		if s.Err() != nil {
			require.ErrorIs(t, s.Err(), bolt.ErrDamaged)
			continue
		}
		require.Empty(t, list(t, s, ""))
		require.NoError(t, s.Close())
	}
}

// A mark under another key would be no mark, and the journal forgotten.
func TestMark_otherKey(t *testing.T) {
	db, journal, _ := logged(t)
	path := put(t, db, journal)
	raw(t, path, func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte("gimlet.meta"))
		mark := append([]byte(nil), meta.Get([]byte("journal"))...)
		return errors.Join(meta.Delete([]byte("journal")), meta.Put([]byte("kournal"), mark))
	})
	require.ErrorContains(t, unchanged(t, path), "what no store does")
}

// What a program keeps in a bucket that is named like one of a store's is no
// mark, and does not keep out the store that is beside it.
func TestMark_ofAProgram(t *testing.T) {
	path := write(t, nil)
	require.NoError(t, bolt.Open(path).Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("program.meta"))
		return errors.Join(err, b.Put([]byte("journal"), []byte("of another kind")))
	})
	r := newRecord("alice", "")
	s := openAt(t, path)
	save(t, s, r)
	after := reopen(t, crash(t, s))
	holds(t, after, r)
}

// A database without its meta bucket, in which the mark is.
func TestMark_noBucket(t *testing.T) {
	db, journal, _ := logged(t)
	path := put(t, db, journal)
	raw(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("gimlet.meta")) })
	unchanged(t, path)
}
