package bolt_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// wasteful fills a store and deletes nearly all of it, in a bubble. It returns
// what is left.
func wasteful(t *testing.T, s *bolt.Store, records int) (kept []store.Record) {
	t.Helper()
	all := make([]store.Record, records)
	for i := range all {
		all[i] = newRecord("alice", string(make([]byte, 20_000)))
	}
	save(t, s, all...)
	time.Sleep(time.Minute) // until the database has it
	var deletes sync.WaitGroup
	for i, r := range all {
		if i%20 == 0 {
			kept = append(kept, r)
			continue
		}
		deletes.Go(func() {
			if err := s.Delete(context.Background(), r.ID); err != nil {
				t.Error(err)
			}
		})
	}
	deletes.Wait()
	return kept
}

func sizeOf(t *testing.T, s *bolt.Store) int64 {
	t.Helper()
	info, err := os.Stat(s.Path())
	require.NoError(t, err)
	return info.Size()
}

// live is at least what the records of wasteful take in a file that holds
// nothing else.
func live(kept []store.Record) int64 { return int64(len(kept)) * 24_576 }

// A file most of which is free shrinks by itself, to not more than twice what is
// alive, loses nothing, and goes on as before.
func TestAutoCompact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		kept := wasteful(t, s, 1500)
		require.Greater(t, sizeOf(t, s), 8*live(kept))
		touched := kept[0]
		time.Sleep(2 * time.Minute)
		save(t, s, newRecord("", "something to move"))
		time.Sleep(2 * time.Minute)
		require.LessOrEqual(t, sizeOf(t, s), 2*live(kept))
		require.EqualValues(t, 1, s.Stats().Compactions)
		holds(t, s, kept...)
		touch(t, s, &touched, time.Hour)
		kept[0] = touched
		more := newRecord("bob", "more")
		save(t, s, more)
		holds(t, reopen(t, crash(t, s)), append(kept[1:], more)...)
		time.Sleep(time.Hour)
		require.EqualValues(t, 1, s.Stats().Compactions, "there is nothing more to gain")
	})
}

// What is small, off, or without a journal is left alone.
func TestAutoCompact_not(t *testing.T) {
	for name, c := range map[string]struct {
		records int
		opts    []bolt.Option
	}{
		"a small file":      {100, nil},
		"turned off":        {1500, []bolt.Option{bolt.WithAutoCompact(false)}},
		"without a journal": {1500, []bolt.Option{bolt.WithJournal(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, c.opts...)
				kept := wasteful(t, s, c.records)
				for range 3 {
					time.Sleep(2 * time.Minute)
					save(t, s, newRecord("", "something to move"))
				}
				require.Zero(t, s.Stats().Compactions)
				holds(t, s, kept...)
			})
		})
	}
}

// While the file is copied requests are served, also when so many come that what the
// journal has must be moved meanwhile.
func TestAutoCompact_givesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(2<<20), bolt.WithAutoCompact(false))
		kept := wasteful(t, s, 1500)
		time.Sleep(time.Minute)
		more := 20
		require.NoError(t, s.ShrinkWhile(t.Context(), func() {
			for ; more > 0; more-- {
				r := newRecord("", string(make([]byte, 50_000)))
				save(t, s, r)
				holds(t, s, r)
				kept = append(kept, r)
			}
		}))
		holds(t, s, kept...)
		require.NoFileExists(t, s.Path()+".tmp")
		require.LessOrEqual(t, sizeOf(t, s), 2*(live(kept)+20*50_000))
		holds(t, reopen(t, crash(t, s)), kept...)
	})
}

// A store that is closed meanwhile does not wait for the copy.
func TestAutoCompact_close(t *testing.T) {
	synctest.Test(t, closeWhileShrinking)
}

func closeWhileShrinking(t *testing.T) {
	s := bolt.Open(memoryDir(t) + "/sessions.db")
	kept := wasteful(t, s, 1500)
	closed := make(chan error, 1)
	var once sync.Once
	err := s.ShrinkWhile(t.Context(), func() {
		once.Do(func() {
			go func() { closed <- s.Close() }()
			<-s.Closed()
		})
	})
	require.ErrorIs(t, err, store.ErrClosed)
	require.NoError(t, <-closed)
	holds(t, reopen(t, s.Path()), kept...)
}
