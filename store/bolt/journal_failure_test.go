package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// logged returns the bytes of a database and of its journal, and the records
// that are in the journal alone, a frame for each.
func logged(t *testing.T) (db, journal []byte, records []store.Record) {
	t.Helper()
	s := open(t)
	for range 4 {
		r := newRecord("alice", "a record")
		save(t, s, r)
		records = append(records, r)
	}
	db, journal, frames := crashed(t, s)
	return db, journal[:frames[len(frames)-1][1]+512], records // nothing is behind that
}

// put writes both files, and returns the path of the first.
func put(t *testing.T, db, journal []byte) (path string) {
	t.Helper()
	path = write(t, db)
	putAt(t, path, db, journal)
	return path
}

func putAt(t *testing.T, path string, db, journal []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, db, 0o600))
	require.NoError(t, os.WriteFile(bolt.Journal(path), journal, 0o600))
}

// Of each byte of a journal that is damaged, Open notices that acknowledged
// changes are lost; only the last frame may be one that a crash has cut off.
func TestJournal_damage(t *testing.T) {
	db, journal, records := logged(t)
	frames, err := bolt.Frames(journal)
	require.NoError(t, err)
	require.Len(t, frames, len(records))
	last := frames[len(frames)-1]
	path := write(t, nil)
	for i := int64(0); i < last[1]; i += 3 {
		if i >= 40 && i < bolt.JournalBase {
			continue // nothing is there
		}
		damaged := bytes.Clone(journal)
		damaged[i] ^= 0x40
		putAt(t, path, db, damaged)
		s := bolt.Open(path)
		inFrame := i < 40
		for _, f := range frames[:len(frames)-1] {
			inFrame = inFrame || i >= f[0] && i < f[1]
		}
		if inFrame {
			require.ErrorIs(t, s.Err(), bolt.ErrDamaged, "byte %d", i)
			require.ErrorContains(t, s.Err(), bolt.Journal(path))
			unlocked(t, path)
			continue
		}
		require.NoError(t, s.Err(), "byte %d", i)
		holds(t, s, records[:len(records)-1]...)
		if i >= last[0] {
			lacks(t, s, records[len(records)-1].ID)
		}
		require.NoError(t, s.Close())
	}
}

// A journal that ends anywhere has the frames that are whole.
func TestJournal_cutOff(t *testing.T) {
	db, journal, records := logged(t)
	frames, err := bolt.Frames(journal)
	require.NoError(t, err)
	path := write(t, nil)
	for n := int64(bolt.JournalBase); n < frames[len(frames)-1][1]+10; n += 7 {
		whole := 0
		for whole < len(frames) && frames[whole][1] <= n {
			whole++
		}
		putAt(t, path, db, journal[:n])
		s := bolt.Open(path)
		require.NoError(t, s.Err())
		require.NoFileExists(t, bolt.Journal(path))
		require.Len(t, list(t, s, ""), whole)
		holds(t, s, records[:whole]...)
		require.NoError(t, s.Close())
		verify(t, path)
	}
}

func TestJournal_notItsOwn(t *testing.T) {
	db, journal, records := logged(t)
	t.Run("of another file is not replayed, and not removed", func(t *testing.T) {
		_, other, _ := logged(t)
		require.ErrorContains(t, unchanged(t, put(t, db, other)), "another state of the file")
	})
	t.Run("of a file that was closed is left out", func(t *testing.T) {
		s := open(t)
		require.NoError(t, s.Close())
		require.NoError(t, os.WriteFile(bolt.Journal(s.Path()), journal, 0o600))
		require.Empty(t, list(t, reopen(t, s.Path()), ""))
	})
	t.Run("lost", func(t *testing.T) {
		s := openAt(t, write(t, db))
		require.Empty(t, list(t, s, ""))
		save(t, s, records...)
		holds(t, s, records...)
	})
	t.Run("of a newer format", func(t *testing.T) {
		newer := bytes.Clone(journal)
		newer[11] = 9
		binary.BigEndian.PutUint32(newer[36:], crc32.Checksum(newer[:36], crc32.MakeTable(crc32.Castagnoli)))
		err := bolt.Open(put(t, db, newer)).Err()
		var version *bolt.VersionError
		require.ErrorAs(t, err, &version)
		require.EqualValues(t, 9, version.Found)
	})
	t.Run("of another state of the file", func(t *testing.T) {
		// The ring has gone on, and the file is a copy from before.
		s := open(t, bolt.WithJournal(1<<20))
		save(t, s, newRecord("", "before"))
		old := crash(t, s)
		for range 500 {
			save(t, s, newRecord("", string(make([]byte, 4000))))
		}
		later := crash(t, s)
		copyFile(t, bolt.Journal(later), bolt.Journal(old))
		err := bolt.Open(old).Err()
		require.ErrorIs(t, err, bolt.ErrDamaged)
		require.ErrorContains(t, err, "another state of the file")
	})
	t.Run("of a store with another prefix", func(t *testing.T) {
		path := put(t, db, journal)
		err := bolt.Open(path, bolt.WithPrefix("other")).Err()
		require.ErrorContains(t, err, `WithPrefix("gimlet")`)
		s := reopen(t, path)
		holds(t, s, records...)
		require.NoError(t, s.Close())
		openAt(t, path, bolt.WithPrefix("other"))
	})
	t.Run("of a file that a program shares", func(t *testing.T) {
		path := put(t, db, journal)
		shared, err := bbolt.Open(path, 0o600, nil)
		require.NoError(t, err)
		_, err = bolt.New(shared)
		require.ErrorContains(t, err, "was not closed")
		require.NoError(t, shared.Close())
		holds(t, reopen(t, path), records...)
	})
}

// When the journal fails the group goes into the database, and so do others, until
// it is time for another journal.
func TestJournal_appendFails(t *testing.T) {
	synctest.Test(t, appendFails)
}

func appendFails(t *testing.T) {
	s := open(t)
	before, during, after := newRecord("alice", "before"), newRecord("alice", "during"), newRecord("alice", "after")
	save(t, s, before)
	id := head(t, s)
	require.NoError(t, s.BreakJournal())
	save(t, s, during)
	require.NoFileExists(t, bolt.Journal(s.Path()))
	holds(t, reopen(t, crash(t, s)), before, during)
	save(t, s, after)
	require.NoFileExists(t, bolt.Journal(s.Path()), "not at once")
	holds(t, reopen(t, crash(t, s)), before, during, after)
	time.Sleep(10 * time.Second)
	after.Version = 2
	save(t, s, after)
	require.NotEqual(t, id, head(t, s))
	holds(t, reopen(t, crash(t, s)), before, during, after)
}

// head returns the head of a store's journal.
func head(t *testing.T, s *bolt.Store) string {
	t.Helper()
	b, err := os.ReadFile(bolt.Journal(s.Path()))
	require.NoError(t, err)
	return string(b[:40])
}

// When the database fails as well nobody knows what the disk has: the error
// says so, what was acknowledged is still read, and Open finds it.
func TestJournal_bothFail(t *testing.T) {
	s := bolt.Open(filepath.Join(t.TempDir(), "sessions.db"))
	r, lost := newRecord("alice", "kept"), newRecord("", "lost")
	save(t, s, r)
	path := crash(t, s)
	require.NoError(t, s.CloseFile())
	require.NoError(t, s.BreakJournal())
	for range 2 {
		require.ErrorContains(t, s.Save(t.Context(), lost), "file already closed")
		lacks(t, s, lost.ID)
		holds(t, s, r)
	}
	require.ErrorContains(t, s.Close(), "file already closed")
	holds(t, reopen(t, path), r)
	holds(t, reopen(t, s.Path()), r)
}

// A checkpoint that fails loses nothing, and is done when it can be.
func TestJournal_checkpointFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		records := []store.Record{newRecord("alice", "first")}
		save(t, s, records...)
		limit := s.LimitSize(1) // every transaction fails
		var full error
		for full == nil {
			r := newRecord("", string(make([]byte, 1000)))
			if full = s.Save(t.Context(), r); full == nil {
				records = append(records, r)
			}
			require.Less(t, len(records), 2000)
		}
		require.ErrorContains(t, full, "maximum size")
		holds(t, s, records...)
		holds(t, reopen(t, crash(t, s)), records...)
		s.LimitSize(limit)
		r := newRecord("", "again")
		save(t, s, r)
		holds(t, s, append(records, r)...)
	})
}

// Without a place for a journal the store works as it does without one.
func TestJournal_cannotBeMade(t *testing.T) {
	s := open(t)
	blocker := bolt.Journal(s.Path()) + ".tmp"
	require.NoError(t, os.MkdirAll(filepath.Join(blocker, "full"), 0o700))
	r := newRecord("alice", "")
	save(t, s, r)
	require.NoFileExists(t, bolt.Journal(s.Path()))
	holds(t, reopen(t, crash(t, s)), r)
	require.NoError(t, os.RemoveAll(blocker))
}

// A group that is too large for the journal goes round it, and everybody reads
// what came before, the group, and what comes after, or nothing of the two last.
func TestJournal_large(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20))
	small := newRecord("alice", "small")
	save(t, s, small)
	old := crash(t, s)
	large := newRecord("bob", string(bytes.Repeat([]byte("large"), 100<<10)))
	save(t, s, large)
	small.Version, small.Data = 2, []byte("newer")
	save(t, s, small)
	now := crash(t, s)
	holds(t, reopen(t, now), small, large)

	// The database from before the group does not read on behind it.
	copyFile(t, bolt.Journal(crash(t, s)), bolt.Journal(old))
	require.ErrorIs(t, bolt.Open(old).Err(), bolt.ErrDamaged)
}

// A sweep finds what has expired in the journal.
func TestJournal_sweep(t *testing.T) {
	s := open(t)
	r := newRecord("alice", "")
	r.Expires = time.Now().Add(-time.Hour)
	save(t, s, r)
	n, err := s.Sweep(context.Background(), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Zero(t, s.Used())
	require.EqualValues(t, 1, s.Stats().Swept)
}
