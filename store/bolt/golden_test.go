package bolt_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
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
	for _, r := range goldenRecords() {
		final := r
		for r.Version = 1; r.Version <= final.Version; r.Version++ {
			r.Expires = final.Expires
			if string(final.Data) == "touched" {
				r.Expires = final.Expires.Add(-24 * time.Hour)
			}
			save(t, s, r)
		}
		require.NoError(t, s.Touch(t.Context(), final.ID, final.Expires))
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = s.Backup(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// TestGolden opens the files of every format that was ever released.
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t, filepath.Join("testdata", "v1.db"))
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("bbolt's files are in the order of the machine, and these are little endian")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "v*.db"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "sessions.db")
			require.NoError(t, os.WriteFile(path, b, 0o600))
			verify(t, path)
			s := openAt(t, path)
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
