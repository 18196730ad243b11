package bolt_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// updated returns a database without a journal whose last transaction has replaced a
// record, which the meta page before the newest does not know.
func updated(t *testing.T) (db image, find func(s *bolt.Store) string) {
	t.Helper()
	db, _ = smallImage(t, 20)
	s := openAt(t, write(t, db), bolt.WithJournal(0))
	r := newRecord("alice", "first")
	save(t, s, r)
	r.Version, r.Data = 2, []byte("second")
	save(t, s, r)
	require.NoError(t, s.Close())
	b, err := os.ReadFile(s.Path())
	require.NoError(t, err)
	return b, func(s *bolt.Store) string {
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		return string(got.Data)
	}
}

// Whichever byte of a meta page is wrong, what was saved last is there, and the page
// is whole again.
func TestMend(t *testing.T) {
	db, find := updated(t)
	for page := range 2 {
		for at := range 64 {
			damaged := image(bytes.Clone(db))
			damaged.page(page)[16+at] ^= 0x5a
			s := openAt(t, write(t, damaged))
			require.Equal(t, "second", find(s), "page %d, byte %d", page, at)
			require.NoError(t, s.Close())
			b, err := os.ReadFile(s.Path())
			require.NoError(t, err)
			require.Equal(t, db.page(page)[:80], image(b).page(page)[:80])
		}
	}
}

// With more of it lost, bbolt takes the other page, of an older state.
func TestMend_Control(t *testing.T) {
	db, find := updated(t)
	for i := range 2 {
		db.meta()[40+i] ^= 0x5a
	}
	require.Equal(t, "first", find(openAt(t, write(t, db))))
}

// The older state may not know the journal, which is not forgotten for that.
func TestMend_journal(t *testing.T) {
	db, journal, records := logged(t)
	first, second := bytes.Clone(db), bytes.Clone(db)
	size := os.Getpagesize()
	copy(first[16:], make([]byte, 64))
	copy(second[size+16:], make([]byte, 64))
	refused := 0
	for _, b := range [][]byte{first, second} {
		path := put(t, b, journal)
		if s := bolt.Open(path); s.Err() == nil {
			holds(t, s, records...)
			require.NoError(t, s.Close())
			continue
		}
		refused++
		require.ErrorContains(t, unchanged(t, path), "older than the journal")
	}
	require.Equal(t, 1, refused)
}
