package bolt_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// fill saves records until the ring is full and the next save waits. The
// checkpointer must be held.
func fill(t *testing.T, s *bolt.Store) (records []store.Record) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r := newRecord("alice", string(make([]byte, 4000)))
		err := s.Save(ctx, r)
		cancel()
		records = append(records, r) // the last one waits on, and is saved once there is room
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "the outcome is not known")
			return records
		}
		require.Less(t, len(records), 1000)
	}
}

// While the ring is full a deadline ends the wait, and what nobody waits for any
// more is not done if the writer has not begun it.
func TestCheckpoint_deadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		first := newRecord("", "first")
		save(t, s, first)
		release := s.HoldDatabase()
		records := append(fill(t, s), first)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := newRecord("", "late")
		full := copyBoth(t, s)
		requireNotSaved(t, s.Save(ctx, late), context.DeadlineExceeded)
		require.ErrorIs(t, s.Touch(ctx, first.ID, time.Now()), context.DeadlineExceeded)
		release()
		synctest.Wait()
		holds(t, s, records...)
		lacks(t, s, late.ID)
		acknowledged := append(records[:len(records)-2:len(records)-2], first)
		holds(t, reopen(t, full), acknowledged...)
		after := reopen(t, crash(t, s))
		holds(t, after, records...)
		lacks(t, after, late.ID)
	})
}

// However small records are, a step holds the pages of a bounded number of them.
func TestCheckpoint_stepsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		records := make([]store.Record, 8000)
		for i := range records {
			records[i] = newRecord("", "small")
		}
		save(t, s, records...)
		before := s.Stats()
		time.Sleep(time.Minute)
		after := s.Stats()
		require.EqualValues(t, len(records), after.Moved)
		require.GreaterOrEqual(t, after.Checkpoints-before.Checkpoints, uint64(len(records)/bolt.MaxStep+1))
		holds(t, s, records[:10]...)
	})
}

// Close waits for the checkpointer, and leaves nothing behind, not even what waited
// for room.
func TestCheckpoint_close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(memoryDir(t), "sessions.db")
		s := openAt(t, path, bolt.WithJournal(1<<20))
		save(t, s, newRecord("", "first"))
		release := s.HoldDatabase()
		records := fill(t, s)
		var swept, closed error
		done := make(chan struct{})
		go func() { _, swept = s.Sweep(context.Background(), time.Now(), 1) }()
		synctest.Wait()
		go func() { closed = s.Close(); close(done) }()
		time.Sleep(9 * time.Second)
		synctest.Wait()
		select {
		case <-done:
			require.Fail(t, "closed before everything was moved")
		default:
		}
		release()
		<-done
		require.NoError(t, closed)
		synctest.Wait()
		require.NoError(t, swept)
		require.NoFileExists(t, bolt.Journal(path))
		holds(t, openAt(t, path), records...)
	})
}

// The fuller the ring, the more a group is put off, and never by much.
func TestCheckpoint_pace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		save(t, s, newRecord("", "first"))
		defer s.HoldDatabase()()
		var before time.Duration
		for s.Used() < 900<<10 {
			began := time.Now()
			save(t, s, newRecord("", string(make([]byte, 4000))))
			save(t, s, newRecord("", "behind it"))
			took := time.Since(began)
			if s.Used() < 700<<10 {
				require.Zero(t, took)
			}
			require.GreaterOrEqual(t, took, before)
			require.LessOrEqual(t, took, 20*time.Millisecond)
			before = took
		}
		require.Greater(t, before, time.Millisecond)
	})
}

// What memory holds counts as well, if it is more than what the journal does.
func TestCheckpoint_memory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		records := make([]store.Record, 5000)
		for i := range records {
			records[i] = newRecord("", "")
		}
		save(t, s, records...)
		synctest.Wait()
		require.Less(t, s.Used(), int64(512<<10))
		require.LessOrEqual(t, s.Memory(), int64(1<<20))
		require.NotZero(t, s.Stats().Moved)
		holds(t, reopen(t, crash(t, s)), records...)
	})
}

// A backup does not stumble over a frame that is on the disk and that nobody sees
// yet: it has what was acknowledged before it began.
func TestCheckpoint_amidAnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		before, during := newRecord("alice", "before"), newRecord("alice", "during")
		save(t, s, before)
		hold := s.HoldDatabase()
		var copied bytes.Buffer
		var err error
		go func() { _, err = s.Backup(&copied) }()
		synctest.Wait() // for the checkpointer
		synced, release := s.SaveSlowly(during)
		<-synced
		hold()
		synctest.Wait()
		release()
		synctest.Wait()
		require.NoError(t, err)
		holds(t, openAt(t, write(t, copied.Bytes())), before)
		holds(t, s, before, during)
		holds(t, reopen(t, crash(t, s)), before, during)
		_, err = s.Backup(io.Discard)
		require.NoError(t, err)
	})
}

// Who has given up is not served by the checkpointer.
func TestCheckpoint_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		r := newRecord("", "")
		save(t, s, r)
		release := s.HoldDatabase()
		ctx, cancel := context.WithCancel(t.Context())
		quiet := &quietContext{Context: t.Context()}
		errs := make(chan error, 2)
		for _, ctx := range []context.Context{ctx, quiet} {
			go func() { errs <- s.Compact(ctx) }()
			synctest.Wait()
		}
		cancel()
		require.Equal(t, context.Canceled, <-errs)
		quiet.ended.Store(true)
		release()
		require.ErrorIs(t, <-errs, context.Canceled)
		holds(t, s, r)
	})
}

// A group that goes round the journal is there or is not, even if it fails.
func TestCheckpoint_largeFails(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20))
	small := newRecord("alice", "small")
	save(t, s, small)
	limit := s.LimitSize(1) // the database cannot grow
	large := newRecord("alice", string(make([]byte, 4<<20)))
	require.ErrorContains(t, s.Save(t.Context(), large), "maximum size")
	small.Version = 2
	save(t, s, small)
	lacks(t, s, large.ID)
	after := reopen(t, crash(t, s))
	holds(t, after, small)
	lacks(t, after, large.ID)
	s.LimitSize(limit)
	save(t, s, large)
	small.Version = 3
	save(t, s, small)
	holds(t, reopen(t, crash(t, s)), small, large)
}

// A sweep leaves alone what has a newer state that the database does not have yet.
func TestCheckpoint_sweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		touched, saved := newRecord("alice", "touched"), newRecord("alice", "saved")
		save(t, s, touched, saved)
		time.Sleep(time.Minute)
		require.Zero(t, s.Used())
		touch(t, s, &touched, 5*time.Hour)
		saved.Version, saved.Expires = 2, time.Now().Add(5*time.Hour)
		save(t, s, saved)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Zero(t, s.Pending())
		require.NotZero(t, s.Used())
		n, err := s.Sweep(t.Context(), time.Now().Add(2*time.Hour), 10)
		require.NoError(t, err)
		require.Zero(t, n)
		holds(t, reopen(t, crash(t, s)), touched, saved)
	})
}
