package bolt_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// crash returns the path of a copy of both files, as a crash at this moment
// would leave them. The store must be idle.
func crash(t *testing.T, s *bolt.Store) (path string) {
	t.Helper()
	release := s.HoldDatabase()
	defer release()
	return copyBoth(t, s)
}

// copyBoth returns the path of a copy of both files. Nobody may be writing them.
func copyBoth(t *testing.T, s *bolt.Store) (path string) {
	t.Helper()
	return found(t, s.Path())
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

// reopen opens what a crash has left. Both files become one.
func reopen(t *testing.T, path string, opts ...bolt.Option) *bolt.Store {
	t.Helper()
	s := openAt(t, path, opts...)
	require.NoFileExists(t, bolt.Journal(path))
	return s
}

// crashed returns the bytes of both files as a crash now would leave them, and where
// the frames of the journal begin and end.
func crashed(t *testing.T, s *bolt.Store) (db, journal []byte, frames [][2]int64) {
	t.Helper()
	path := crash(t, s)
	db, err := os.ReadFile(path)
	require.NoError(t, err)
	journal, err = os.ReadFile(bolt.Journal(path))
	require.NoError(t, err)
	frames, err = bolt.Frames(journal)
	require.NoError(t, err)
	return db, journal, frames
}

func TestJournal_crash(t *testing.T) {
	inBubble := func(name string, test func(t *testing.T, s *bolt.Store)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, open(t)) })
		})
	}
	inBubble("keeps what was acknowledged", func(t *testing.T, s *bolt.Store) {
		r, gone, again := newRecord("alice", "first"), newRecord("alice", "gone"), newRecord("", "again")
		save(t, s, r, gone, again)
		r.Version, r.Data, r.Owner = 2, []byte("second"), "bob"
		save(t, s, r)
		require.NoError(t, s.Delete(t.Context(), gone.ID))
		require.NoError(t, s.Delete(t.Context(), again.ID))
		again.Data = []byte("inserted again")
		save(t, s, again)
		after := reopen(t, crash(t, s))
		holds(t, after, r, again)
		lacks(t, after, gone.ID)
		require.Len(t, list(t, after, "bob"), 1)
		require.Empty(t, list(t, after, "alice"))
		require.Len(t, list(t, after, ""), 2)
	})
	inBubble("keeps a touch that was written", func(t *testing.T, s *bolt.Store) {
		stored, logged := newRecord("", "in the database"), newRecord("", "in the journal")
		save(t, s, stored)
		time.Sleep(time.Minute)
		save(t, s, logged)
		touch(t, s, &stored, 5*time.Hour)
		touch(t, s, &logged, 6*time.Hour)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Zero(t, s.Pending())
		holds(t, reopen(t, crash(t, s)), stored, logged)
	})
	inBubble("keeps a save whose touch was not written", func(t *testing.T, s *bolt.Store) {
		r := newRecord("alice", "saved")
		save(t, s, r)
		time.Sleep(9500 * time.Millisecond)
		touched := r
		touch(t, s, &touched, 5*time.Hour)
		require.Equal(t, 1, s.Pending())
		time.Sleep(600 * time.Millisecond) // the frame is given up, the touch still loose
		synctest.Wait()
		require.Zero(t, s.Used())
		holds(t, s, touched)
		holds(t, reopen(t, crash(t, s)), touched)
	})
	inBubble("keeps a save whose touch is in a later frame", func(t *testing.T, s *bolt.Store) {
		r := newRecord("alice", "saved")
		save(t, s, r)
		touch(t, s, &r, 5*time.Hour)
		time.Sleep(time.Second)
		save(t, s, newRecord("", "another"))
		time.Sleep(time.Second)
		synctest.Wait()
		holds(t, reopen(t, crash(t, s)), r)
		time.Sleep(time.Minute)
		holds(t, reopen(t, crash(t, s)), r)
	})
	inBubble("before the first change", func(t *testing.T, s *bolt.Store) {
		require.NoFileExists(t, bolt.Journal(s.Path()))
		require.Empty(t, list(t, reopen(t, crash(t, s)), ""))
	})
	inBubble("twice", func(t *testing.T, s *bolt.Store) {
		r := newRecord("alice", "once")
		save(t, s, r)
		path := crash(t, s)
		copyFile(t, bolt.Journal(path), path+".kept")
		require.NoError(t, bolt.Open(path).Close())
		require.NoError(t, os.Rename(path+".kept", bolt.Journal(path)))
		holds(t, reopen(t, path), r)
	})
}

// At rest there is one file, which has everything.
func TestJournal_close(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := openAt(t, path)
	r := newRecord("alice", "")
	save(t, s, r)
	info, err := os.Stat(bolt.Journal(path))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, s.Close())
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)
	holds(t, openAt(t, path), r)
}

// A model is what a store should hold.
type model struct {
	t       *testing.T
	random  *rand.Rand
	records map[store.ID]store.Record
	ids     []store.ID
}

func (m *model) pick() (store.Record, bool) {
	if len(m.ids) == 0 {
		return store.Record{}, false
	}
	r, ok := m.records[m.ids[m.random.IntN(len(m.ids))]]
	return r, ok
}

// step does one thing to the store and to the model.
func (m *model) step(s *bolt.Store) {
	ctx := m.t.Context()
	size := m.random.IntN(2000)
	if m.random.IntN(100) == 0 {
		size = 300 << 10 // too large for the journal
	}
	r, ok := m.pick()
	switch kind := m.random.IntN(20); {
	case !ok || kind < 6:
		r = newRecord(fmt.Sprint(m.random.IntN(5)), "")
		m.ids = append(m.ids, r.ID)
		fallthrough
	case kind < 14:
		if m.records[r.ID].Version > 0 {
			r.Version++
		}
		r.Owner, r.Data = fmt.Sprint(m.random.IntN(5)), bytes.Repeat([]byte{byte(kind)}, size)
		require.NoError(m.t, s.Save(ctx, r))
		m.records[r.ID] = r
	case kind < 16:
		require.NoError(m.t, s.Delete(ctx, r.ID))
		delete(m.records, r.ID)
	case kind < 18:
		r.Expires = r.Expires.Add(time.Duration(1+m.random.IntN(1000)) * time.Second)
		require.NoError(m.t, s.Touch(ctx, r.ID, r.Expires))
		m.records[r.ID] = r
	default:
		time.Sleep(time.Duration(m.random.IntN(3000)) * time.Millisecond)
	}
}

func (m *model) check(s *bolt.Store) {
	owners := map[string]int{}
	for _, r := range m.records {
		holds(m.t, s, r)
		owners[r.Owner]++
	}
	require.Len(m.t, list(m.t, s, ""), len(m.records))
	for owner, n := range owners {
		require.Len(m.t, list(m.t, s, owner), n)
	}
}

// Random changes go many times round a small ring. Again and again the store
// crashes, and goes on from what that has left.
func TestJournal_crashesOfAModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &model{t: t, random: rand.New(rand.NewPCG(seed, 1)), records: map[store.ID]store.Record{}}
				s := open(t, bolt.WithJournal(1<<20))
				for range 10 {
					for range m.random.IntN(300) {
						m.step(s)
					}
					time.Sleep(time.Second) // for the touches
					synctest.Wait()
					m.check(s)
					path := crash(t, s)
					require.NoError(t, s.Close())
					verify(t, s.Path())
					s = reopen(t, path, bolt.WithJournal(1<<20))
					m.check(s)
				}
			})
		})
	}
}

// A full ring makes the writer wait for the checkpointer, and nobody else; and
// what waits in memory has a bound.
func TestJournal_full(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		save(t, s, newRecord("", "first"))
		release := s.HoldDatabase()
		saved, done := 0, make(chan error)
		go func() {
			var err error
			for ; saved < 2000 && err == nil; saved++ {
				err = s.Save(context.Background(), newRecord("alice", string(make([]byte, 1000))))
			}
			done <- err
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Greater(t, saved, 500)
		require.Less(t, saved, 1000)
		require.LessOrEqual(t, s.Used(), int64(1<<20))
		require.NotEmpty(t, list(t, s, "alice"), "reads go on")
		release()
		require.NoError(t, <-done)
		require.Less(t, s.Memory(), int64(4<<20))
		require.Len(t, list(t, s, "alice"), 2000)
	})
}

// Nothing waits longer than it must: a change is in the database after a while
// although there is room in the journal.
func TestJournal_isEmptiedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		save(t, s, newRecord("alice", ""))
		require.NotZero(t, s.Used())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Zero(t, s.Used())
		require.Zero(t, s.Memory())
		require.EqualValues(t, 1, s.Stats().Checkpoints)
		time.Sleep(time.Hour)
		require.EqualValues(t, 1, s.Stats().Checkpoints, "an idle store writes nothing")
	})
}

// Many versions of one record are one write of the database.
func TestJournal_coalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		r := newRecord("alice", "")
		for ; r.Version <= 100; r.Version++ {
			save(t, s, r)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 100, s.Stats().Commits)
		require.EqualValues(t, 1, s.Stats().Moved)
	})
}
