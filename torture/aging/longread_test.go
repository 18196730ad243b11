package aging_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A reader that takes its time, of a list or of a backup, keeps nothing from being used
// again: the file stays as large as it is, while everything in it changes many times.
func TestLongRead(t *testing.T) {
	began := time.Now()
	path := filepath.Join(rig.MemoryDir(t), "sessions.db")
	records := rig.Fill(t, path, rig.Tier(10_000, 20_000))
	s := bolt.Open(path, bolt.WithJournal(1<<20), bolt.WithAutoCompact(false))
	pause := time.Duration(rig.Tier(1, 10)) * time.Second
	rewrite(t, s, records, func() { waitForChanges(t, s, 2*len(records)) })
	before := rig.SizeOf(t, path) // of a file that is in use
	saved := rewrite(t, s, records, func() {
		var slow sync.WaitGroup
		slow.Go(func() {
			w := &slowWriter{most: 10, pause: pause / 10}
			if _, err := s.Backup(w); err != nil {
				t.Error(err)
			}
		})
		slow.Go(func() {
			n := 0
			for _, err := range s.List(context.Background(), "") {
				if err != nil {
					t.Error(err)
				}
				if n++; n%(len(records)/50) == 0 {
					time.Sleep(pause / 50)
				}
			}
		})
		slow.Wait()
		waitForChanges(t, s, 4*len(records))
	})
	after := rig.SizeOf(t, path)
	require.LessOrEqual(t, after, 2*before)
	require.NoError(t, s.Close())
	require.NoError(t, rig.Check(path))
	rig.Figures(t, began, "a backup and a list of %v, %d records saved %d times: the file had %d KiB, and then %d",
		pause, len(records), saved, before>>10, after>>10)
}

// While a program's own code runs, in a loop over a list or as it takes a backup, no
// transaction is open that reads; and one that a program itself leaves open makes the
// file grow, which so is found out.
func TestLongRead_control(t *testing.T) {
	path := filepath.Join(rig.MemoryDir(t), "sessions.db")
	records := rig.Fill(t, path, 1000)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true, InitialMmapSize: 1 << 30})
	require.NoError(t, err)
	s, err := bolt.New(db)
	require.NoError(t, err)
	for r, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		require.Zero(t, db.Stats().OpenTxN, "at %s", r.ID)
	}
	_, err = s.Backup(writerFunc(func(b []byte) (int, error) {
		require.Zero(t, db.Stats().OpenTxN)
		return len(b), nil
	}))
	require.NoError(t, err)
	before := rig.SizeOf(t, path)
	reader, err := db.Begin(false)
	require.NoError(t, err)
	rewrite(t, s, records, func() {
		for end := time.Now().Add(time.Minute); rig.SizeOf(t, path) <= 2*before; time.Sleep(time.Millisecond) {
			require.True(t, time.Now().Before(end), "a reader that stays does not show")
		}
	})
	require.NoError(t, reader.Rollback())
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// waitForChanges waits until a store has made so many.
func waitForChanges(t *testing.T, s *bolt.Store, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); s.Stats().Changes < uint64(n); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "there are not so many")
	}
}

// rewrite saves records again and again while something is done, and returns how often.
func rewrite(t *testing.T, s store.Store, records []store.Record, do func()) int {
	t.Helper()
	var saved atomic.Int64
	done := make(chan struct{})
	var writers sync.WaitGroup
	const n = 8
	for w := range n {
		writers.Go(func() {
			for i := w; ; i += n {
				if i >= len(records) {
					i = w
				}
				select {
				case <-done:
					return
				default:
				}
				r := &records[i]
				r.Version++
				now := *r
				now.Data = rig.Content(r.ID, r.Version, rig.RecordSize)
				if err := s.Save(context.Background(), now); err != nil {
					t.Error(err)
					return
				}
				saved.Add(1)
			}
		})
	}
	do()
	close(done)
	writers.Wait()
	return int(saved.Load())
}

// A slowWriter waits some times before it goes on.
type slowWriter struct {
	most  int
	pause time.Duration
}

func (w *slowWriter) Write(b []byte) (int, error) {
	if w.most > 0 {
		w.most--
		time.Sleep(w.pause)
	}
	return len(b), nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
