package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/internal/docs"
	"github.com/gimlet-go/gimlet/store"
)

// A journal as docs/format.md describes it, and the database that it is beside.

const ringSize = 1 << 20

var (
	journalID = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	crc32c    = crc32.MakeTable(crc32.Castagnoli)
)

// memoryDir returns a directory where a sync costs nothing, if the system has one.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "journal-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// journalled returns the records of the database: what no entry is about stays.
func journalled() map[store.ID]store.Record {
	far := time.UnixMilli(far)
	all := map[store.ID]store.Record{}
	for _, r := range []store.Record{
		{ID: store.ID{0: 9, 15: 1}, Version: 1, Owner: "alice", Expires: far, Data: []byte("first")},
		{ID: store.ID{0: 9, 15: 2}, Version: 2, Owner: "bob", Expires: far, Data: []byte("second")},
		{ID: store.ID{0: 9, 15: 3}, Version: 3, Data: []byte("for ever")},
		{ID: store.ID{0: 9, 15: 4}, Version: 4, Owner: "alice", Expires: time.UnixMilli(1), Data: []byte("expired")},
	} {
		all[r.ID] = r
	}
	return all
}

const far = 7_258_118_400_000 // 2200-01-01

// journalFixture returns the bytes of a database that has these records, and says
// that a journal is its own.
func journalFixture(t testing.TB, path string) []byte {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true})
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		put := func(bucket string, k, v []byte) {
			b, err := tx.CreateBucketIfNotExists([]byte("gimlet." + bucket))
			require.NoError(t, err)
			require.NoError(t, b.Put(k, v))
		}
		for id, r := range journalled() {
			put("records", id[:], storedRecord(r))
			if !r.Expires.IsZero() {
				put("expiry", append(bigEndian64(uint64(r.Expires.UnixMilli())), id[:]...), []byte{})
			}
			if r.Owner != "" {
				owner := binary.BigEndian.AppendUint16(nil, uint16(len(r.Owner)))
				put("owners", slices.Concat(owner, []byte(r.Owner), id[:]), []byte{})
			}
		}
		put("meta", []byte("format"), bigEndian64(1))
		put("meta", []byte("journal"), append(journalID[:], make([]byte, 8)...))
		return nil
	}))
	require.NoError(t, db.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func storedRecord(r store.Record) []byte {
	expires := uint64(0)
	if !r.Expires.IsZero() {
		expires = uint64(r.Expires.UnixMilli())
	}
	return withSum(r.ID, boltRecord(r.Version, expires, 0, r.Owner, string(r.Data)))
}

func bigEndian64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// journalHead returns what is in front of the ring.
func journalHead(id [16]byte, size uint64) []byte {
	b := append([]byte("gimletjn\x00\x00\x00\x01"), bigEndian64(size)...)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32c))
	return append(b, make([]byte, 4096-len(b))...)
}

func journalFrame(id [16]byte, position uint64, entries []byte) []byte {
	fields := binary.BigEndian.AppendUint32(nil, uint32(len(entries)))
	fields = binary.BigEndian.AppendUint64(fields, position)
	sum := crc32.Checksum(slices.Concat(id[:], fields, entries), crc32c)
	return append(binary.BigEndian.AppendUint32(append([]byte("gjf1"), fields...), sum), entries...)
}

// hasFrame reports whether the bytes of a ring have a whole frame anywhere.
func hasFrame(ring []byte) bool {
	for ; len(ring) >= 20; ring = ring[min(512, len(ring)):] {
		n := 20 + uint64(binary.BigEndian.Uint32(ring[4:]))
		if n > uint64(len(ring)) {
			continue
		}
		if bytes.Equal(ring[:n], journalFrame(journalID, binary.BigEndian.Uint64(ring[8:]), ring[20:n])) {
			return true
		}
	}
	return false
}

func savedEntry(r store.Record) []byte {
	return slices.Concat([]byte{1}, r.ID[:], block(storedRecord(r)))
}

func deletedEntry(id store.ID) []byte { return append([]byte{2}, id[:]...) }

func touchedEntry(id store.ID, version, expires uint64) []byte {
	b := append([]byte{3}, id[:]...)
	return binary.AppendUvarint(binary.AppendUvarint(b, version), expires)
}

// recordIn returns the bytes of a record, whose length is in front of them, and what
// follows them.
func recordIn(b []byte) (stored, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n:][:size], b[n:][size:], true
}

// fitSums puts the checksums of records right, as far as there are entries.
func fitSums(b []byte) {
	for len(b) >= 17 {
		what, id := b[0], store.ID(b[1:])
		b = b[17:]
		switch what {
		case 1:
			stored, rest, ok := recordIn(b)
			if !ok || len(stored) < 4 {
				return
			}
			copy(stored, withSum(id, stored[:len(stored)-4]))
			b = rest
		case 2:
		case 3:
			for range 2 {
				_, n := binary.Uvarint(b)
				b = b[max(n, 0):]
			}
		default:
			return
		}
	}
}

// carryOut does to the records what entries say. It reports whether all of them are
// well-formed.
func carryOut(all map[store.ID]store.Record, b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 {
			return false
		}
		what, id := b[0], store.ID(b[1:])
		b = b[17:]
		switch what {
		case 1:
			stored, rest, ok := recordIn(b)
			r, sound := parseStored(id, stored)
			if !ok || !sound {
				return false
			}
			all[id], b = r, rest
		case 2:
			delete(all, id)
		case 3:
			version, n := binary.Uvarint(b)
			if n <= 0 {
				return false
			}
			expires, k := binary.Uvarint(b[n:])
			if k <= 0 || expires > math.MaxInt64 {
				return false
			}
			b = b[n+k:]
			if r, ok := all[id]; ok && r.Version == version {
				r.Expires = storedTime(expires)
				all[id] = r
			}
		default:
			return false
		}
	}
	return true
}

func parseStored(id store.ID, b []byte) (r store.Record, ok bool) {
	if len(b) < 5 || !bytes.Equal(withSum(id, b[:len(b)-4]), b) || b[0] != 1 {
		return r, false
	}
	b = b[1 : len(b)-4]
	var fields [4]uint64
	for i := range fields {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return r, false
		}
		fields[i], b = v, b[n:]
	}
	version, expires, lag, owner := fields[0], fields[1], fields[2], fields[3]
	if version == 0 || expires > math.MaxInt64 || lag > max(expires, 1)-1 || owner > min(512, uint64(len(b))) {
		return r, false
	}
	return store.Record{ID: id, Version: version, Expires: storedTime(expires),
		Owner: string(b[:owner]), Data: bytes.Clone(b[owner:])}, true
}

func storedTime(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

// The forms are those that the page shows.
func TestForms_journal(t *testing.T) {
	page := docs.Read(t, "../docs/format.md")
	require.Equal(t, docs.Bytes(t, page, "journal-header"), journalHead(journalID, 16<<20)[:40])
	id := store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	later := uint64(far + 3_600_000)
	r := store.Record{ID: id, Version: 2, Expires: storedTime(later), Owner: "alice", Data: []byte("data")}
	gone, touched := id, id
	gone[15], touched[15] = 11, 12
	entries := slices.Concat(savedEntry(r), deletedEntry(gone), touchedEntry(touched, 2, later))
	frame := journalFrame(journalID, 512, entries)
	require.Equal(t, docs.Bytes(t, page, "journal-frame"), frame)
	require.True(t, hasFrame(append(make([]byte, 512), frame...)))
	all := map[store.ID]store.Record{gone: {}, touched: {ID: touched, Version: 2}}
	require.True(t, carryOut(all, entries))
	require.Equal(t, map[store.ID]store.Record{
		id: r, touched: {ID: touched, Version: 2, Expires: r.Expires},
	}, all)
}
