package bolt_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// behind returns a journal with one more frame, which has entries.
func behind(t *testing.T, journal []byte, entries ...[]byte) []byte {
	t.Helper()
	frames, err := bolt.Frames(journal)
	require.NoError(t, err)
	at := (frames[len(frames)-1][1] + 511) / 512 * 512
	frame := bolt.FrameOf([16]byte(journal[20:]), at-bolt.JournalBase, slices.Concat(entries...))
	return append(bytes.Clone(journal[:at]), frame...)
}

func savedEntry(r store.Record, expires time.Time) []byte {
	r.Expires = expires
	b := bolt.Encode(r, expires.UnixMilli())
	return slices.Concat([]byte{1}, r.ID[:], binary.AppendUvarint(nil, uint64(len(b))), b)
}

func deletedEntry(id store.ID) []byte { return append([]byte{2}, id[:]...) }

func touchedEntry(id store.ID, version uint64, expires int64) []byte {
	b := append([]byte{3}, id[:]...)
	return binary.AppendUvarint(binary.AppendUvarint(b, version), uint64(expires))
}

func TestReplay_entries(t *testing.T) {
	db, journal, records := logged(t)
	r, others := records[0], records[1:]
	later := r.Expires.Add(time.Hour)
	touched, unknown := r, newRecord("", "")
	touched.Expires = later
	for name, test := range map[string]struct {
		entries [][]byte
		want    []store.Record // beside the others
	}{
		"touched":              {[][]byte{touchedEntry(r.ID, 1, later.UnixMilli())}, []store.Record{touched}},
		"of another version":   {[][]byte{touchedEntry(r.ID, 2, later.UnixMilli())}, []store.Record{r}},
		"of an unknown record": {[][]byte{touchedEntry(unknown.ID, 1, later.UnixMilli())}, []store.Record{r}},
		"of one that is gone":  {[][]byte{deletedEntry(r.ID), touchedEntry(r.ID, 1, later.UnixMilli())}, nil},
		"of one that is back": {
			[][]byte{deletedEntry(r.ID), savedEntry(r, r.Expires), touchedEntry(r.ID, 1, later.UnixMilli())},
			[]store.Record{touched},
		},
		"gone, and unknown": {[][]byte{deletedEntry(unknown.ID)}, []store.Record{r}},
	} {
		t.Run(name, func(t *testing.T) {
			s := reopen(t, put(t, db, behind(t, journal, test.entries...)))
			holds(t, s, append(test.want, others...)...)
			require.Len(t, list(t, s, ""), len(test.want)+len(others))
		})
	}
}

// A frame with a sound checksum that has what no store writes is damage as well.
func TestReplay_malformed(t *testing.T) {
	db, journal, records := logged(t)
	id := records[0].ID
	sound := savedEntry(records[0], records[0].Expires)
	altered := bytes.Clone(sound)
	altered[len(altered)-1] ^= 1
	for name, entry := range map[string][]byte{
		"what":             append([]byte{4}, id[:]...),
		"cut in the ID":    deletedEntry(id)[:16],
		"no version":       touchedEntry(id, 1, 1)[:17],
		"no expiry":        touchedEntry(id, 1, 1)[:18],
		"expiry too large": touchedEntry(id, 1, -1),
		"no length":        sound[:17],
		"cut":              sound[:len(sound)-1],
		"empty record":     append(sound[:17:17], 0),
		"damaged record":   altered,
	} {
		t.Run(name, func(t *testing.T) {
			err := unchanged(t, put(t, db, behind(t, journal, deletedEntry(id), entry)))
			require.ErrorContains(t, err, "-journal")
		})
	}
}

func TestReplay_head(t *testing.T) {
	db, journal, records := logged(t)
	resized := func(size uint64) []byte {
		b := bytes.Clone(journal)
		binary.BigEndian.PutUint64(b[12:], size)
		binary.BigEndian.PutUint32(b[36:], crc32.Checksum(b[:36], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	holds(t, reopen(t, put(t, db, resized(1<<20))), records...)
	for _, size := range []uint64{0, 1<<20 - 512, 1<<20 + 1, 1<<30 + 512, 1 << 63} {
		unchanged(t, put(t, db, resized(size)))
	}
	for _, length := range []int{0, 39} {
		unchanged(t, put(t, db, journal[:length]))
	}
	require.Empty(t, list(t, reopen(t, put(t, db, journal[:100])), ""))

	path := write(t, db)
	require.NoError(t, os.Mkdir(bolt.Journal(path), 0o700))
	require.ErrorIs(t, bolt.Open(path).Err(), bolt.ErrDamaged)
}

// A journal moves over what is damaged in the database, and into any store.
func TestReplay_damagedRecord(t *testing.T) {
	s := open(t, bolt.WithJournal(0))
	r, gone, touched := newRecord("alice", "first"), newRecord("alice", "gone"), newRecord("alice", "touched")
	save(t, s, r, gone, touched)
	require.NoError(t, s.Close())
	raw(t, s.Path(), func(tx *bbolt.Tx) error {
		for _, id := range []store.ID{gone.ID, touched.ID} {
			b := bytes.Clone(tx.Bucket([]byte("gimlet.records")).Get(id[:]))
			b[len(b)-1] ^= 1
			require.NoError(t, tx.Bucket([]byte("gimlet.records")).Put(id[:], b))
		}
		return nil
	})
	s = bolt.Open(s.Path())
	require.NoError(t, s.Delete(t.Context(), gone.ID))
	require.ErrorIs(t, s.Touch(t.Context(), touched.ID, time.Now()), store.ErrCorrupt)
	require.NoError(t, s.Delete(t.Context(), touched.ID))
	gone.Data = []byte("back")
	save(t, s, gone)
	after := reopen(t, crash(t, s), bolt.WithJournal(0))
	holds(t, after, r, gone)
	lacks(t, after, touched.ID)
	require.NoError(t, s.Close())
	holds(t, openAt(t, s.Path()), r, gone)
}

// The database is where a link leads, and so is its journal.
func TestReplay_link(t *testing.T) {
	db, journal, records := logged(t)
	path := put(t, db, journal)
	link := filepath.Join(memoryDir(t), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	s := openAt(t, link)
	require.NoFileExists(t, bolt.Journal(path))
	holds(t, s, records...)
	save(t, s, newRecord("", ""))
	require.FileExists(t, bolt.Journal(path))
	require.NoFileExists(t, bolt.Journal(link))
}

// What is damaged is named as it can be found.
func TestReplay_damageBehindALink(t *testing.T) {
	db, journal, _ := logged(t)
	path := put(t, db, journal[:20])
	link := filepath.Join(memoryDir(t), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	require.ErrorContains(t, bolt.Open(link).Err(), bolt.Journal(path))
}

func TestWithJournal(t *testing.T) {
	for _, size := range []int64{-1, 1, 4096, 1<<20 - 1, 1<<30 + 1, 2 << 30} {
		err := bolt.Open(filepath.Join(t.TempDir(), "sessions.db"), bolt.WithJournal(size)).Err()
		require.ErrorContains(t, err, "must be 0 or between 1048576 and 1073741824 bytes", "%d", size)
	}
	for size, want := range map[int64]uint64{1 << 20: 1 << 20, 1<<20 + 4095: 1 << 20, 1<<20 + 4096: 1<<20 + 4096, 1 << 30: 1 << 30} {
		s := open(t, bolt.WithJournal(size))
		save(t, s, newRecord("", ""))
		require.Equal(t, want, binary.BigEndian.Uint64([]byte(head(t, s))[12:]))
	}
	s := open(t, bolt.WithJournal(0))
	save(t, s, newRecord("", ""))
	require.NoFileExists(t, bolt.Journal(s.Path()))
}
