package bolt_test

import (
	"encoding/hex"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/internal/docs"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// The file holds what docs/format.md says, byte by byte. When this test fails it
// is the code that is wrong, unless a new format number was introduced and the
// old one is still read.
func TestFormat_file(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := bolt.Open(path, bolt.WithJournal(0))
	r := store.Record{
		ID:      store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		Version: 1,
		Expires: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		Owner:   "alice",
		Data:    []byte("data"),
	}
	require.NoError(t, s.Save(t.Context(), r))
	r.Version, r.Expires = 2, r.Expires.Add(time.Hour)
	require.NoError(t, s.Save(t.Context(), r))
	require.NoError(t, s.Close())

	page := docs.Read(t, filepath.Join("..", "..", "docs", "format.md"))
	shown := func(name string) string { return hex.EncodeToString(docs.Bytes(t, page, name)) }
	require.Equal(t, map[string]map[string]string{
		"gimlet.records": {hex.EncodeToString(r.ID[:]): shown("bolt-record")},
		"gimlet.expiry":  {shown("bolt-expiry"): ""},
		"gimlet.owners":  {shown("bolt-owner"): ""},
		"gimlet.meta":    {hex.EncodeToString([]byte("format")): shown("bolt-format")},
	}, contents(t, path))
}

// The journal holds what the page says.
func TestFormat_journal(t *testing.T) {
	page := docs.Read(t, filepath.Join("..", "..", "docs", "format.md"))
	id := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	shown := func(name string) string { return hex.EncodeToString(docs.Bytes(t, page, name)) }
	require.Equal(t, shown("journal-header"), hex.EncodeToString(bolt.JournalHeader(id, 16<<20)))
	r := store.Record{
		ID:      store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		Version: 2,
		Expires: time.Date(2200, 1, 1, 1, 0, 0, 0, time.UTC),
		Owner:   "alice",
		Data:    []byte("data"),
	}
	gone, touched := r, r
	gone.ID[15], touched.ID[15] = 11, 12
	require.Equal(t, shown("bolt-mark"), hex.EncodeToString(bolt.Mark(id, 512)))
	require.Equal(t, shown("journal-frame"), hex.EncodeToString(bolt.Frame(id, 512, r, gone, touched)))
}

// contents returns all pairs of the buckets of a file.
func contents(t *testing.T, path string) map[string]map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	require.NoError(t, err)
	defer db.Close()
	all := map[string]map[string]string{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			pairs := map[string]string{}
			all[string(name)] = pairs
			return b.ForEach(func(k, v []byte) error {
				pairs[hex.EncodeToString(k)] = hex.EncodeToString(v)
				return nil
			})
		})
	})
	require.NoError(t, err)
	return all
}
