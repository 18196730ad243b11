package bolt_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// salvaged opens a damaged file with WithSalvage, and returns what that reports.
func salvaged(t *testing.T, path string) (*bolt.Store, bolt.Salvage) {
	t.Helper()
	var reports []bolt.Salvage
	s := openAt(t, path, bolt.WithSalvage(func(r bolt.Salvage) { reports = append(reports, r) }))
	require.Len(t, reports, 1)
	r := reports[0]
	require.ErrorIs(t, r.Damage, bolt.ErrDamaged)
	require.True(t, strings.HasPrefix(r.Path, path+".damaged-20"), r.Path)
	return s, r
}

// only requires that a store has some of the records, as they were saved, and nothing
// else. It returns how many.
func only(t *testing.T, s *bolt.Store, want map[store.ID]store.Record) int {
	t.Helper()
	ids := list(t, s, "")
	for id, err := range ids {
		require.NoError(t, err)
		require.Contains(t, want, id)
		holds(t, s, want[id])
	}
	return len(ids)
}

// breakLeaf damages the leaf in which a record is.
func breakLeaf(t *testing.T, m image, key []byte) {
	t.Helper()
	leaf, _ := m.find(key)
	require.NotZero(t, leaf)
	m.page(leaf)[8] = 0xff
}

func TestSalvage_leaf(t *testing.T) {
	m, want := smallImage(t, 300)
	whole := bytes.Clone(m)
	ids := sorted(want)
	breakLeaf(t, m, ids[len(ids)/2][:])
	path := write(t, m)
	require.ErrorIs(t, bolt.Open(path).Err(), bolt.ErrDamaged)
	s, report := salvaged(t, path)
	n := only(t, s, want)
	require.Equal(t, n, report.Rescued)
	require.Equal(t, 1, report.Lost)
	require.NoError(t, report.Empty)
	require.Greater(t, n, len(want)-20)
	require.Less(t, n, len(want))
	for i := range 10 {
		require.NotEmpty(t, list(t, s, fmt.Sprint("user ", i)), "the index by owner is there")
	}
	aside, err := os.ReadFile(report.Path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(m, aside), "the damaged file is as it was")
	save(t, s, newRecord("alice", "goes on"))

	// Again at once: nothing is overwritten.
	require.NoError(t, s.Close())
	other := image(whole)
	breakLeaf(t, other, ids[len(ids)/2][:])
	require.NoError(t, os.WriteFile(path, other, 0o600))
	_, again := salvaged(t, path)
	require.NotEqual(t, report.Path, again.Path)
	still, err := os.ReadFile(report.Path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(aside, still))
}

// sorted returns the IDs of records that are not reserved, in order.
func sorted(records map[store.ID]store.Record) (ids []store.ID) {
	for id := range records {
		if !id.Reserved() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b store.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func TestSalvage_notNeeded(t *testing.T) {
	path := filepath.Join(memoryDir(t), "sessions.db")
	never := bolt.WithSalvage(func(bolt.Salvage) { t.Error("a sound file was salvaged") })
	r := newRecord("alice", "")
	for range 2 {
		s := bolt.Open(path, never)
		require.NoError(t, s.Err())
		_ = s.Save(t.Context(), r)
		holds(t, s, r)
		require.NoError(t, s.Close())
	}
	require.ErrorContains(t, bolt.Open(path, bolt.WithSalvage(nil)).Err(), "WithSalvage: needs a function")
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)
}

// What is no database of bbolt's was put there by mistake.
func TestSalvage_foreign(t *testing.T) {
	for _, b := range [][]byte{[]byte("a text"), make([]byte, 100_000), []byte("SQLite format 3\x00" + strings.Repeat("x", 8192))} {
		path := write(t, b)
		s := bolt.Open(path, bolt.WithSalvage(func(bolt.Salvage) { t.Error("salvaged") }))
		require.ErrorIs(t, s.Err(), bolt.ErrDamaged)
		require.ErrorContains(t, s.Err(), "no sign that it was a bbolt database")
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, b, got)
		unlocked(t, path)
	}
}

// empty requires that nothing was rescued, and why.
func empty(t *testing.T, path, why string) {
	t.Helper()
	s, report := salvaged(t, path)
	require.ErrorContains(t, report.Empty, why)
	require.Zero(t, report.Rescued)
	require.Empty(t, list(t, s, ""))
	save(t, s, newRecord("alice", "signs in again"))
	require.FileExists(t, report.Path)
}

// Where what has ended a session may be lost, no session is kept.
func TestSalvage_empty(t *testing.T) {
	whole, want := smallImage(t, 300)
	damaged := func(damage func(m image)) string {
		m := image(bytes.Clone(whole))
		damage(m)
		return write(t, m)
	}
	var reserved store.ID
	for id := range want {
		if id.Reserved() {
			reserved = id
		}
	}
	t.Run("a page of reserved records", func(t *testing.T) {
		empty(t, damaged(func(m image) { breakLeaf(t, m, reserved[:]) }), "who has signed out")
	})
	t.Run("a reserved record, and a page", func(t *testing.T) {
		empty(t, damaged(func(m image) {
			ids := sorted(want)
			m.value(reserved[:])[5] ^= 1
			breakLeaf(t, m, ids[len(ids)-10][:])
		}), "who has signed out")
	})
	t.Run("both meta pages", func(t *testing.T) {
		empty(t, damaged(func(m image) {
			for page := range 2 {
				copy(m.page(page)[40:], make([]byte, 40))
			}
		}), "meta pages are lost")
	})
	t.Run("the root", func(t *testing.T) {
		empty(t, damaged(func(m image) { m.page(int(order.Uint64(m.meta()[16:])))[8] = 9 }), "everywhere")
	})
	t.Run("what the file says of itself", func(t *testing.T) {
		empty(t, damaged(func(m image) {
			at := bytes.LastIndex(m.page(int(order.Uint64(m.meta()[16:]))), []byte("format"))
			m.page(int(order.Uint64(m.meta()[16:])))[at] ^= 1
		}), "what no store does")
	})
}

func TestSalvage_journal(t *testing.T) {
	db, journal, want, gone := crashedImage(t)
	ids := sorted(want)
	old := ids[len(ids)-5]
	for db.value(old[:]) == nil {
		ids = ids[:len(ids)-1]
		old = ids[len(ids)-5]
	}
	breakLeaf(t, db, old[:])
	t.Run("is moved into the new file", func(t *testing.T) {
		path := put(t, db, journal)
		s, report := salvaged(t, path)
		require.NoError(t, report.Empty)
		require.Greater(t, only(t, s, want), len(want)/2)
		for _, id := range gone {
			lacks(t, s, id)
		}
		require.NoFileExists(t, bolt.Journal(path))
		aside, err := os.ReadFile(bolt.Journal(report.Path))
		require.NoError(t, err)
		require.True(t, bytes.Equal(journal, aside), "the journal is beside the damaged file")
	})
	t.Run("is damaged", func(t *testing.T) {
		b := bytes.Clone(journal)
		b[bolt.JournalBase+30] ^= 1
		empty(t, put(t, db, b), "a frame is missing")
	})
	t.Run("alone is damaged", func(t *testing.T) {
		sound, b, _, _ := crashedImage(t)
		b[bolt.JournalBase+30] ^= 1
		empty(t, put(t, sound, b), "a frame is missing")
	})
	t.Run("of another state", func(t *testing.T) {
		_, other, _, _ := crashedImage(t)
		empty(t, put(t, db, other), "another state of the file")
	})
	t.Run("is not there", func(t *testing.T) {
		s, report := salvaged(t, write(t, db))
		require.NoError(t, report.Empty)
		require.NotEmpty(t, list(t, s, ""))
	})
}

// Of a file that is cut off, what is there is rescued, if it can be seen to be alive.
func TestSalvage_cutOff(t *testing.T) {
	m, want := smallImage(t, 300)
	kept := 0
	for size := 2048; size < len(m); size += imagePage {
		t.Run(fmt.Sprint(size), func(t *testing.T) { // which closes it: with 32 bits there is little to map
			s, report := salvaged(t, write(t, m[:size]))
			n := only(t, s, want)
			require.Equal(t, n, report.Rescued)
			kept += n
		})
	}
	t.Logf("figures: %d records rescued in all", kept)
	require.NotZero(t, kept)
}

// What else a program keeps in the file stays in the damaged one.
func TestSalvage_ofAProgram(t *testing.T) {
	m, want := smallImage(t, 100)
	path := write(t, m)
	raw(t, path, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("program"))
		return err
	})
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	ids := sorted(want)
	breakLeaf(t, b, ids[50][:])
	require.NoError(t, os.WriteFile(path, b, 0o600))
	s, _ := salvaged(t, path)
	require.NotZero(t, only(t, s, want))
	require.NoError(t, s.Close())
	require.NotContains(t, contents(t, path), "program")
}
