package bolt_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store/bolt"
)

var errFull = &os.PathError{Op: "write", Path: "sessions.db", Err: syscall.ENOSPC}

func full(int64, func() (int, error)) (int, error) { return 0, errFull }

// What is acknowledged after the database did not take note of a new journal is
// there after a crash.
func TestJournal_unknownToTheDatabase(t *testing.T) {
	s := open(t)
	undo := s.HookWrites(full)
	first, second := newRecord("alice", "first"), newRecord("alice", "second")
	require.ErrorIs(t, s.Save(t.Context(), first), syscall.ENOSPC)
	require.ErrorIs(t, s.Save(t.Context(), second), syscall.ENOSPC)
	undo()
	save(t, s, first, second)
	holds(t, reopen(t, crash(t, s)), first, second)
}

// A change that went round the journal, and whose transaction has failed only
// when it was there, is there, and leads nobody past what is appended afterwards.
func TestJournal_doubtfulBypass(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20))
	before, after := newRecord("", "before"), newRecord("", "after")
	save(t, s, before)
	metas := 0
	undo := s.HookWrites(func(offset int64, next func() (int, error)) (int, error) {
		n, err := next()
		if offset < 2*int64(os.Getpagesize()) {
			if metas++; metas == 2 { // the first is that of what the journal had
				return n, syscall.EIO
			}
		}
		return n, err
	})
	large := newRecord("", string(bytes.Repeat([]byte("large"), 100<<10)))
	save(t, s, large)
	require.Equal(t, 2, metas)
	undo()
	save(t, s, after)
	holds(t, reopen(t, crash(t, s)), before, large, after)
}

// A touch of a record that is being moved is not lost when the journal is given up
// and another one begins.
func TestJournal_touchWhileMoving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(20*time.Second))
		r := newRecord("alice", "touched")
		for range 20 {
			save(t, s, newRecord("", "more"))
		}
		save(t, s, r)
		r.Expires = r.Expires.Add(time.Hour)
		require.NoError(t, s.CheckpointWhile(t.Context(), func() error { return s.Touch(t.Context(), r.ID, r.Expires) }))
		require.NoError(t, s.BreakJournal())
		save(t, s, newRecord("", "without"))
		time.Sleep(10 * time.Second)
		save(t, s, newRecord("", "with another"))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, s.Memory())
		require.NoError(t, s.Close())
		holds(t, openAt(t, s.Path()), r)
	})
}

// Each change of a group whose outcome is not known says so.
func TestJournal_doubtInAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		save(t, s, newRecord("", "first"))
		a, b := newRecord("alice", "perhaps"), newRecord("bob", "perhaps")
		require.NoError(t, s.LeaveFrame(a, b))
		undo := s.HookWrites(full)
		for _, err := range together(s, saving(s, a), saving(s, b)) {
			require.ErrorContains(t, err, "the outcome is not known")
		}
		lacks(t, s, a.ID)
		holds(t, reopen(t, crash(t, s)), a, b)
		undo()
	})
}

// A checkpoint that empties the journal while a frame is being appended does not
// make the checkpointer forget that frame.
func TestJournal_emptiedAmidAnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		for i := range 300 {
			save(t, s, newRecord("", "now and then"))
			if i%3 == 0 {
				var both sync.WaitGroup
				both.Go(func() { _ = s.CheckpointWhile(context.Background(), func() error { return nil }) })
				both.Go(func() { _ = s.Save(context.Background(), newRecord("", "meanwhile")) })
				both.Wait()
			}
			if i%10 == 0 {
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Zero(t, s.Used(), i)
			}
		}
	})
}

// A sweep whose context ends may still be at work: it tells of what it had removed
// before, and nobody reads what it alters.
func TestSweep_abandoned(t *testing.T) {
	s := open(t)
	r := newRecord("", "")
	r.Expires = time.Now().Add(-time.Hour)
	save(t, s, r)
	save(t, s, newRecord("", "")) // the writer has let go of the first one, which a sweep would leave alone
	require.NoError(t, s.CheckpointWhile(t.Context(), func() error { return nil }))
	inside, held := make(chan struct{}), make(chan struct{})
	free := sync.OnceFunc(func() { close(held) })
	t.Cleanup(free) // before the store is closed
	var once sync.Once
	undo := s.HookWrites(func(_ int64, next func() (int, error)) (int, error) {
		once.Do(func() { close(inside); <-held })
		return next()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-inside; cancel() }()
	n, err := s.Sweep(ctx, time.Now(), 10)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, n, "it is not removed yet")
	free()
	n, err = s.Sweep(t.Context(), time.Now(), 10) // behind it
	require.NoError(t, err)
	require.Zero(t, n)
	require.EqualValues(t, 1, s.Stats().Swept)
	release := s.HoldDatabase()
	undo()
	release()
}

// A store that fails while changes are appended is closed without harm.
func TestClose_failedAmidAnAppend(t *testing.T) {
	for range 10 {
		s := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"))
		save(t, s, newRecord("", ""))
		var users sync.WaitGroup
		busy := make(chan struct{}, 1)
		for range 4 {
			users.Go(func() {
				for s.Save(context.Background(), newRecord("", "")) == nil {
					select {
					case busy <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 8 {
			<-busy
		}
		s.Fail(os.ErrInvalid)
		_ = s.Close()
		users.Wait()
		unlocked(t, s.Path())
	}
}

// A backup stands alone: it belongs to no journal.
func TestBackup_standsAlone(t *testing.T) {
	s := open(t)
	r := newRecord("alice", "")
	save(t, s, r)
	path := filepath.Join(memoryDir(t), "backup.db")
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = s.Backup(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	save(t, s, newRecord("alice", "later"))
	copyFile(t, bolt.Journal(s.Path()), bolt.Journal(path))
	require.Len(t, list(t, reopen(t, path), "alice"), 1, "the journal is not its own")

	copyFile(t, path, path+".shared")
	db, err := bbolt.Open(path+".shared", 0o600, nil)
	if err != nil { // the store has the other file open, not this one
		t.Fatal(err)
	}
	shared, err := bolt.New(db)
	require.NoError(t, err)
	require.NoError(t, shared.Close())
	require.NoError(t, db.Close())
}

// While a save may be in the journal a delete of the same record is not acknowledged,
// though the record is not there: after a crash it might be.
func TestJournal_doubtfulDelete(t *testing.T) {
	s := open(t)
	r := newRecord("alice", "doubtful")
	save(t, s, newRecord("", "first"))
	undo := s.HookWrites(func(int64, func() (int, error)) (int, error) { return 0, errBroken })
	require.NoError(t, s.LeaveFrame(r))
	err := s.Save(t.Context(), r)
	require.ErrorContains(t, err, "the outcome is not known")
	require.Error(t, s.Delete(t.Context(), r.ID))
	holds(t, reopen(t, crash(t, s)), r)
	undo()
	require.NoError(t, s.Delete(t.Context(), r.ID))
	lacks(t, reopen(t, crash(t, s)), r.ID)
}

// Nobody has to ask for anything for a doubt to end.
func TestJournal_doubtEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(time.Minute))
		r := newRecord("alice", "doubtful")
		save(t, s, newRecord("", "first"))
		undo := s.HookWrites(func(int64, func() (int, error)) (int, error) { return 0, errBroken })
		require.NoError(t, s.LeaveFrame(r))
		require.ErrorContains(t, s.Save(t.Context(), r), "the outcome is not known")
		time.Sleep(2 * time.Minute)
		holds(t, reopen(t, crash(t, s)), r)
		release := s.HoldDatabase()
		undo()
		release()
		time.Sleep(2 * time.Minute)
		lacks(t, reopen(t, crash(t, s)), r.ID)
		lacks(t, s, r.ID)
	})
}
