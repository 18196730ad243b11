package fuzz_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// FuzzJournal lets a store find a journal as a crash would have left it, with
// any bytes in it. In a frame that fits the database they are entries, which Open
// carries out, or reports as damage; as the ring, or as the whole file, they are
// what no store has written. Whatever Open does not understand alters nothing.
//
// The database takes note of a position. fit puts the checksums of the records in
// the entries right.
func FuzzJournal(f *testing.F) {
	for _, seed := range journalSeeds() {
		f.Add(seed.position, seed.as, seed.bytes, seed.fit)
	}
	path := filepath.Join(memoryDir(f), "sessions.db")
	fixture := journalFixture(f, path)
	f.Fuzz(func(t *testing.T, position uint64, as byte, b []byte, fit bool) {
		if len(b) > 16<<10 {
			return // it would only take longer
		}
		c := crashed{path: path, db: bytes.Clone(fixture), content: journalled()}
		c.setPosition(t, position)
		if fit {
			fitSums(b)
		}
		switch as % 3 {
		case 0:
			c.frame(position, b)
		case 1:
			c.whole = true
			c.journal = append(journalHead(journalID, ringSize), b...)
			c.unsure = hasFrame(b)
		default:
			c.journal = b
			c.whole = bytes.HasPrefix(b, journalHead(journalID, ringSize)[:40])
			c.unsure = hasFrame(b[min(len(b), 4096):])
		}
		c.unsure = c.unsure || position > farthest
		c.open(t)
	})
}

// farthest is a position beyond any that a store comes to: what lies behind it may be
// taken for damage.
const farthest = 1 << 62

// crashed is what a crash has left, and what a store is to make of it.
type crashed struct {
	path        string
	db, journal []byte
	content     map[store.ID]store.Record // what is there afterwards
	damaged     bool                      // nothing else than an error will do
	whole       bool                      // the head is sound
	unsure      bool                      // nobody knows: it opens or is damaged
}

// setPosition makes position the one from which on the database lacks what the
// journal has. bbolt's pages of data have no checksum.
func (c *crashed) setPosition(t *testing.T, position uint64) {
	t.Helper()
	at := bytes.Index(c.db, append([]byte("journal"), journalID[:]...))
	require.Positive(t, at)
	copy(c.db[at+len("journal")+len(journalID):], bigEndian64(position))
}

// frame puts entries where the next frame is to be.
func (c *crashed) frame(position uint64, entries []byte) {
	c.whole = true
	c.journal = journalHead(journalID, ringSize)
	if position > farthest {
		return
	}
	at := (position + 511) / 512 * 512
	n := uint64(20 + len(entries))
	if at%ringSize+n > ringSize {
		at = (at/ringSize + 1) * ringSize
	}
	c.journal = append(c.journal, make([]byte, at%ringSize)...)
	c.journal = append(c.journal, journalFrame(journalID, at, entries)...)
	c.damaged = !carryOut(c.content, entries)
}

// open opens the store, and requires that it did what is to be done.
func (c *crashed) open(t *testing.T) {
	require.NoError(t, os.WriteFile(c.path, c.db, 0o600))
	require.NoError(t, os.WriteFile(c.path+"-journal", c.journal, 0o600))
	s := bolt.Open(c.path)
	if err := s.Err(); err != nil {
		require.True(t, c.damaged || c.unsure || !c.whole, "%v", err)
		c.refused(t, err)
		return
	}
	defer func() { require.NoError(t, s.Close()) }()
	require.False(t, c.damaged, "opened in spite of the damage")
	require.NoFileExists(t, c.path+"-journal")
	if c.unsure {
		for _, err := range s.List(t.Context(), "") {
			require.NoError(t, err)
		}
		return
	}
	c.holds(t, s)
	// Sweeping until the end of time takes all that will ever expire, if the
	// index has it.
	ends := 0
	for _, r := range c.content {
		if !r.Expires.IsZero() {
			ends++
		}
	}
	n, err := s.Sweep(t.Context(), time.UnixMilli(math.MaxInt64), len(c.content))
	require.NoError(t, err)
	require.Equal(t, ends, n)
}

// refused requires that the error says what is wrong, and that nothing has changed.
func (c *crashed) refused(t *testing.T, err error) {
	t.Helper()
	var version *bolt.VersionError
	require.True(t, errors.Is(err, bolt.ErrDamaged) || errors.As(err, &version), "%v", err)
	for name, want := range map[string][]byte{c.path: c.db, c.path + "-journal": c.journal} {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s was changed", name)
	}
}

// holds requires that the store has what it should, and nothing else.
func (c *crashed) holds(t *testing.T, s *bolt.Store) {
	t.Helper()
	now := time.Now()
	alive := map[string]map[store.ID]bool{"": {}, "alice": {}, "bob": {}}
	for id, want := range c.content {
		got, err := s.Load(t.Context(), id)
		if !want.Expires.IsZero() && !want.Expires.After(now) {
			require.ErrorIs(t, err, store.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		require.True(t, want.Expires.Equal(got.Expires), "%v, not %v", got.Expires, want.Expires)
		got.Expires = want.Expires
		require.Equal(t, want, got)
		alive[""][id] = true
		if alive[want.Owner] == nil {
			alive[want.Owner] = map[store.ID]bool{}
		}
		alive[want.Owner][id] = true
	}
	for owner, ids := range alive {
		listed := map[store.ID]bool{}
		for r, err := range s.List(t.Context(), owner) {
			require.NoError(t, err)
			listed[r.ID] = true
		}
		require.Equal(t, ids, listed, "of %q", owner)
	}
}
