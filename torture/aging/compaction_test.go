package aging_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A file is compacted while it is used: by a call with all sessions in it, and by itself
// when most of them are gone. Saves and loads go on, nothing is lost, and little is
// left of the file.
func TestCompaction(t *testing.T) {
	sizes := []int{20_000}
	if rig.Full() {
		sizes = []int{100_000, 1_000_000}
	}
	for _, n := range sizes {
		began := time.Now()
		path := filepath.Join(t.TempDir(), "sessions.db")
		records := rig.Fill(t, path, n)
		s := bolt.Open(path, bolt.WithAutoCompact(false))
		before := watch(t, s, records, func() { time.Sleep(time.Second) })
		called := watch(t, s, records, func() { require.NoError(t, s.Compact(t.Context())) })
		require.Positive(t, called.saves, "all saves wait for it")
		require.Positive(t, called.loads, "all loads wait for it")
		whole := rig.SizeOf(t, path)
		living := records[:n/20]
		rig.Each(n-len(living), func(i int) error { return s.Delete(t.Context(), records[len(living)+i].ID) },
			func(err error) { t.Error(err) })
		require.NoError(t, s.Close())
		wasteful := rig.SizeOf(t, path)

		s = bolt.Open(path)
		itself := watch(t, s, living, func() { waitForCompaction(t, s) })
		shrunk := rig.SizeOf(t, path)
		require.NoError(t, s.Compact(t.Context()))
		least := rig.SizeOf(t, path)
		require.Greater(t, wasteful, 2*least, "the control: it has not shrunk")
		require.LessOrEqual(t, shrunk, 2*least)
		for _, r := range living {
			_, err := s.Load(t.Context(), r.ID)
			require.NoError(t, err)
		}
		require.NoError(t, s.Close())
		require.NoError(t, rig.Check(path))
		rig.Figures(t, began, "%d records, %d MiB: longest save %v, load %v before; compacted in %v: %d saves, the longest %v, %d loads, %v; "+
			"with a twentieth left by itself in %v: longest save %v, load %v; %d MiB, at least %d", n, whole>>20,
			before.save, before.load, called.took, called.saves, called.save, called.loads, called.load,
			itself.took, itself.save, itself.load, shrunk>>20, least>>20)
		require.NoError(t, os.Remove(path))
	}
}

// waitForCompaction waits until a store has compacted its file by itself.
func waitForCompaction(t *testing.T, s *bolt.Store) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); s.Stats().Compactions == 0; {
		_, err := s.Sweep(t.Context(), time.Now(), 1) // whoever writes the database looks afterwards
		require.NoError(t, err)
		require.True(t, time.Now().Before(end), "it is not compacted")
		time.Sleep(10 * time.Millisecond)
	}
}

// waits are how often records were saved and loaded while something was done, and how
// long that took at most.
type waits struct {
	took, save, load time.Duration
	saves, loads     int
}

// watch saves and loads records while something is done.
func watch(t *testing.T, s *bolt.Store, records []store.Record, do func()) waits {
	t.Helper()
	var w waits
	done := make(chan struct{})
	var users sync.WaitGroup
	use := func(n *int, longest *time.Duration, use func(i int) error) {
		users.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				began := time.Now()
				if err := use(*n); err != nil {
					t.Error(err)
					return
				}
				*n++
				*longest = max(*longest, time.Since(began))
				time.Sleep(time.Millisecond)
			}
		})
	}
	use(&w.saves, &w.save, func(i int) error {
		r := &records[i%len(records)]
		r.Version++
		saved := *r
		saved.Data = rig.Content(r.ID, r.Version, rig.RecordSize)
		return s.Save(context.Background(), saved)
	})
	use(&w.loads, &w.load, func(i int) error {
		_, err := s.Load(context.Background(), records[(i*7919)%len(records)].ID)
		return err
	})
	began := time.Now()
	do()
	w.took = time.Since(began)
	close(done)
	users.Wait()
	return w
}
