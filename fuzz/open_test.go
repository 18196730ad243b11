package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// FuzzOpen opens a database in which any bytes were changed. Open refuses it, or
// what it serves is what was saved once, under that ID; nothing else comes of it,
// in writing either. With salvage there is a store in any case, unless there is no
// sign of a database left.
//
// An input is a sequence of changes: an offset of two bytes, big endian, and what is
// combined with the byte there by exclusive or. sum puts the checksums of the meta
// pages right, so that what they say is believed.
func FuzzOpen(f *testing.F) {
	dir := memoryDir(f)
	path := filepath.Join(dir, "sessions.db")
	whole := openFixture(f, path)
	for i, seed := range openSeeds(whole) {
		inMeta := len(seed) > 0 && int(binary.BigEndian.Uint16(seed)) < 2*openPage
		f.Add(seed, inMeta, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, changes []byte, sum, salvage bool) {
		b := bytes.Clone(whole)
		for ; len(changes) >= 3; changes = changes[3:] {
			b[int(binary.BigEndian.Uint16(changes))%len(b)] ^= changes[2]
		}
		if sum {
			fitMeta(b, 0)
			fitMeta(b, openPage)
		}
		require.NoError(t, os.WriteFile(path, b, 0o600))
		began := time.Now()
		opened(t, path, salvage)
		require.Less(t, time.Since(began), 10*time.Second)
		left, err := filepath.Glob(path + ".damaged-*")
		require.NoError(t, err)
		for _, name := range left {
			require.NoError(t, os.Remove(name))
		}
	})
}

const openPage = 1024

// opened requires that the file is refused, or that the store on it tells the truth.
func opened(t *testing.T, path string, salvage bool) {
	t.Helper()
	var opts []bolt.Option
	if salvage {
		opts = append(opts, bolt.WithSalvage(func(bolt.Salvage) {}))
	}
	s := bolt.Open(path, append(opts, bolt.WithJournal(0))...)
	defer s.Close()
	var version *bolt.VersionError
	if err := s.Err(); err != nil {
		require.True(t, errors.Is(err, bolt.ErrDamaged) || errors.As(err, &version), "%v", err)
		if salvage && errors.Is(err, bolt.ErrDamaged) {
			require.ErrorContains(t, err, "no sign")
		}
		return
	}
	saved := openRecords()
	for r, err := range s.List(t.Context(), "") {
		told(t, err)
		if err == nil {
			want := saved[r.ID]
			require.Equal(t, want.Data, r.Data)
			require.Equal(t, want.Owner, r.Owner)
			require.True(t, want.Expires.Equal(r.Expires))
		}
	}
	fresh := store.Record{ID: store.ID{0: 7, 15: 1}, Version: 1, Owner: "dave", Data: []byte("fresh")}
	err := s.Save(t.Context(), fresh)
	told(t, err)
	if err == nil {
		got, err := s.Load(t.Context(), fresh.ID)
		told(t, err)
		if err == nil {
			require.Equal(t, fresh.Data, got.Data)
		}
	}
	for id := range saved {
		told(t, s.Delete(t.Context(), id))
		break
	}
	_, err = s.Sweep(t.Context(), time.UnixMilli(far+1), 100)
	told(t, err)
}

// told requires that an error is none, or one that tells of damage.
func told(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, bolt.ErrDamaged) {
		oneOf(t, err, store.ErrCorrupt, store.ErrNotFound)
	}
}

// openRecords returns what was ever saved. Those of "gone" were deleted.
func openRecords() map[store.ID]store.Record {
	all := map[store.ID]store.Record{}
	for i := range 60 {
		r := store.Record{ID: store.ID{0: 9, 5: byte(i), 15: 1}, Version: 1, Owner: fmt.Sprint("owner ", i%4),
			Expires: time.UnixMilli(far + int64(i)), Data: bytes.Repeat([]byte{byte('a' + i%20)}, 10+5*i)}
		switch {
		case i < 3:
			r.ID, r.Expires, r.Owner = store.ID{15: byte(1 + i)}, time.Time{}, ""
		case i%5 == 0:
			r.Owner = "gone"
		}
		all[r.ID] = r
	}
	return all
}

// openFixture returns the bytes of a database with small pages, some of which are free.
// They are the same each time.
func openFixture(t testing.TB, path string) []byte {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: openPage, NoSync: true, NoGrowSync: true})
	require.NoError(t, err)
	bucket := func(tx *bbolt.Tx, name string) *bbolt.Bucket {
		b, err := tx.CreateBucketIfNotExists([]byte("gimlet." + name))
		require.NoError(t, err)
		return b
	}
	each := func(do func(tx *bbolt.Tx, r store.Record, expiry, owner []byte) error) {
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			for id, r := range openRecords() {
				expiry := append(bigEndian64(uint64(r.Expires.UnixMilli())), id[:]...)
				owner := append(binary.BigEndian.AppendUint16(nil, uint16(len(r.Owner))), r.Owner...)
				if err := do(tx, r, expiry, append(owner, id[:]...)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	each(func(tx *bbolt.Tx, r store.Record, expiry, owner []byte) error {
		err := bucket(tx, "records").Put(r.ID[:], storedRecord(r))
		if !r.Expires.IsZero() {
			err = errors.Join(err, bucket(tx, "expiry").Put(expiry, []byte{}), bucket(tx, "owners").Put(owner, []byte{}))
		}
		return errors.Join(err, bucket(tx, "meta").Put([]byte("format"), bigEndian64(1)))
	})
	each(func(tx *bbolt.Tx, r store.Record, expiry, owner []byte) error {
		if r.Owner != "gone" {
			return nil
		}
		return errors.Join(bucket(tx, "records").Delete(r.ID[:]), bucket(tx, "expiry").Delete(expiry), bucket(tx, "owners").Delete(owner))
	})
	require.NoError(t, db.Update(func(*bbolt.Tx) error { return nil })) // so that both meta pages say the same
	pages := 0
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		pages = int(tx.Size() / openPage)
		return nil
	}))
	require.NoError(t, db.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Less(t, pages*openPage, 1<<16, "an offset has two bytes")
	return b[:pages*openPage]
}

// fitMeta puts the checksum of a meta page right.
func fitMeta(b []byte, at int) {
	sum := fnv.New64a()
	sum.Write(b[at+16 : at+72])
	binary.NativeEndian.PutUint64(b[at+72:], sum.Sum64())
}

// openSeeds are changes of each part of a page of each kind: of the heads of pages
// and elements, of keys and values.
func openSeeds(whole []byte) (seeds [][]byte) {
	change := func(at int, with byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(at)), with) }
	for page := range len(whole) / openPage {
		for _, at := range []int{0, 8, 10, 12, 15, 16, 20, 24, 28, 32, 40, 48, 56, 64, 300} {
			seeds = append(seeds, change(page*openPage+at, 1<<(at%8)), change(page*openPage+at, 0xff))
		}
		seeds = append(seeds, append(change(page*openPage+8, 3), change(page*openPage+10, 1)...))
	}
	return append(seeds, nil)
}
