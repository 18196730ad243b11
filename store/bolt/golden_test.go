package bolt_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

var update = flag.Bool("update", false, "write the golden file of the present format")

// goldenRecords are what every golden file holds: each kind of field, values
// that lie inside a page and over several, and index entries that lag behind.
func goldenRecords() []store.Record {
	expires := time.Date(2999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	id := func(n byte) store.ID { return store.ID{1, 0x8f, 15: n} }
	return []store.Record{
		{ID: store.ID{15: 1}, Version: 1, Data: []byte("reserved")},
		{ID: id(1), Version: 1, Expires: expires, Owner: "alice", Data: []byte("plain")},
		{ID: id(2), Version: 3, Expires: expires, Owner: "alice", Data: []byte("saved three times")},
		{ID: id(3), Version: 1, Expires: expires.Add(24 * time.Hour), Owner: "bob", Data: []byte("touched")},
		{ID: id(4), Version: 1, Owner: "\x00\xff", Data: bytes.Repeat([]byte("large "), 3000)},
		{ID: id(5), Version: 1, Expires: expires, Data: []byte("nobody's")},
		{ID: id(6), Version: 1, Expires: expires, Owner: "carol"},
	}
}

// writeGolden makes the golden file. A file of a released format is never made anew.
func writeGolden(t *testing.T, path string) {
	s := openAt(t, filepath.Join(t.TempDir(), "golden.db"))
	saveVersions(t, s, goldenRecords()...)
	for _, r := range goldenRecords() {
		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = s.Backup(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// writeCrashed makes the same records as a crash leaves them: some are in the
// database, some in the journal, which touches one of either; and one is gone.
func writeCrashed(t *testing.T, path string) {
	s := open(t)
	records := goldenRecords()
	gone := store.Record{ID: store.ID{1, 0x8f, 15: 9}, Version: 1, Owner: "alice", Data: []byte("gone")}
	saveVersions(t, s, gone, records[0], records[3], records[4])
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = s.Backup(f) // moves all of them
	require.NoError(t, err)
	require.NoError(t, f.Close())

	saveVersions(t, s, records[1], records[2], records[5], records[6])
	for _, r := range records {
		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	}
	require.NoError(t, s.Delete(t.Context(), gone.ID))
	time.Sleep(2 * time.Second) // for the touches
	synctest.Wait()
	require.Zero(t, s.Pending())
	journal, err := os.ReadFile(bolt.Journal(s.Path()))
	require.NoError(t, err)
	frames, err := bolt.Frames(journal)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bolt.Journal(path), journal[:frames[len(frames)-1][1]], 0o644))
}

// saveVersions saves each version of the records. Those that are to be touched expire
// a day early.
func saveVersions(t *testing.T, s *bolt.Store, records ...store.Record) {
	for _, final := range records {
		r := final
		if string(final.Data) == "touched" || final.Owner == "carol" {
			r.Expires = final.Expires.Add(-24 * time.Hour)
		}
		for r.Version = 1; r.Version <= final.Version; r.Version++ {
			save(t, s, r)
		}
	}
}

// TestGolden opens the files of every format that was ever released, and what a
// crash left of them.
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t, filepath.Join("testdata", "v1.db"))
		synctest.Test(t, func(t *testing.T) { writeCrashed(t, filepath.Join("testdata", "v1-crashed.db")) })
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("bbolt's files are in the order of the machine, and these are little endian")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "v*.db"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path := write(t, nil)
			copyFile(t, file, path)
			if strings.Contains(file, "-crashed") {
				copyFile(t, bolt.Journal(file), bolt.Journal(path))
			}
			verify(t, path)
			s := reopen(t, path)
			records := goldenRecords()
			holds(t, s, records...)
			require.Len(t, list(t, s, ""), len(records))
			require.Len(t, list(t, s, "alice"), 2)
			require.Len(t, list(t, s, "\x00\xff"), 1)
			for _, r := range records {
				r.Version++
				r.Data = []byte("changed")
				save(t, s, r)
			}
			require.NoError(t, s.Delete(t.Context(), records[1].ID))
			require.NoError(t, s.Compact(t.Context()))
			require.Len(t, list(t, s, "alice"), 1)
		})
	}
}
