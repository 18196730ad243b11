package truth_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// grounds are the stores under what is tested. Their journals are small and their touches
// written soon, so that states move all the time.
var grounds = []struct {
	name string
	open func(t *testing.T) store.Store
}{
	{"journal", func(t *testing.T) store.Store { return openBolt(t, 1<<20) }},
	{"no journal", func(t *testing.T) store.Store { return openBolt(t, 0) }},
	{"memory", func(*testing.T) store.Store { return memory.New() }},
}

func openBolt(t *testing.T, journal int64) *bolt.Store {
	return bolt.Open(filepath.Join(rig.MemoryDir(t), "sessions.db"), bolt.WithJournal(journal), bolt.WithTouchInterval(time.Millisecond))
}

// A trial is one history of some kind, on one ground.
type trial struct {
	name  string
	open  func(t *testing.T) store.Store
	fails bool // the store does, now and then
	naive bool // a naive cache is in front of it, and no other
	run   func(t *testing.T, s store.Store, cacheBytes int64, h *history, n int)
	judge func([]porcupine.Operation) porcupine.CheckResult
	show  func([]porcupine.Operation) string
}

func trials() (all []trial) {
	for _, g := range grounds {
		records := trial{name: g.name + ", records", open: g.open, run: crowdAt, judge: judge[recordState], show: firstIllegal[recordState]}
		sessions := trial{name: g.name + ", sessions", open: g.open, run: guestsAt, judge: judge[sessionState], show: firstIllegal[sessionState]}
		all = append(all, records, sessions)
		records.fails, sessions.fails = true, true
		all = append(all, records, sessions)
	}
	return all
}

// Whatever sixteen clients do to the same ten records, through the cache and compression,
// and to the same ten sessions, through the manager: there is an order in which it could
// have happened one after the other. Meanwhile there are sweeps, compactions and
// checkpoints, what is used expires, and a store fails.
func TestLinearizable(t *testing.T) {
	began := time.Now()
	all := trials()
	operations, open, undecided := 0, 0, 0
	rounds, each := rig.Tier(len(all), 50), rig.Tier(8000, 50_000)
	checking := time.Duration(0)
	for n := range rounds {
		r := all[n%len(all)]
		ops, unsure := r.history(t, each)
		since := time.Now()
		switch r.judge(ops) {
		case porcupine.Illegal:
			require.Fail(t, "no order", "round %d, %s, fails %v: %s", n, r.name, r.fails, r.show(ops))
		case porcupine.Unknown:
			undecided++
		}
		checking += time.Since(since)
		operations, open = operations+len(ops), open+unsure
	}
	rig.Figures(t, began, "%d rounds, %d operations of %d clients, %d of them with an unknown end, an order found for all but %d rounds, in %.1f s",
		rounds, operations, clients, open, undecided, checking.Seconds())
	require.LessOrEqual(t, undecided, rounds/20)
	require.Greater(t, operations, rounds*each*9/10)
	require.Positive(t, open)
}

// history has clients at a store until about n operations are done, and returns them, and
// how many have an unknown end.
func (r trial) history(t *testing.T, n int) (ops []porcupine.Operation, open int) {
	t.Helper()
	var h history
	bottom := r.open(t)
	s, cacheBytes := bottom, int64(1<<20)
	switch {
	case r.fails:
		s = &failing{Store: bottom}
	case r.naive:
		s, cacheBytes = &naive{Store: slack{bottom}}, 0
	}
	stop := maintain(t, bottom)
	r.run(t, s, cacheBytes, &h, n)
	stop()
	require.NoError(t, s.Close())
	return h.operations()
}

// crowdAt puts compression and a cache on a store as a manager does, and has clients at
// it.
func crowdAt(t *testing.T, s store.Store, cacheBytes int64, h *history, n int) {
	stack, err := compress.New(kept{s})
	require.NoError(t, err)
	c := crowd{store: stack, notes: h}
	if cacheBytes > 0 {
		c.store, err = cache.New(stack, cacheBytes)
		require.NoError(t, err)
	}
	fail(s)
	c.use(n)
	require.NoError(t, c.store.Close())
}

// guestsAt has guests at a manager.
func guestsAt(t *testing.T, s store.Store, cacheBytes int64, h *history, n int) {
	m, err := gimlet.New(kept{s}, gimlet.WithCache(cacheBytes), gimlet.WithIdleTimeout(5*time.Second),
		gimlet.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	fail(s)
	(&house{manager: m, notes: h}).use(n)
	require.NoError(t, m.Close())
}

// A kept store is closed by somebody else.
type kept struct{ store.Store }

func (kept) Close() error { return nil }

// fail lets a store fail from now on, if it is one that does.
func fail(s store.Store) {
	if f, ok := s.(*failing); ok {
		f.on.Store(true)
	}
}

// maintain sweeps and compacts until stop is called.
func maintain(t *testing.T, s store.Store) (stop func()) {
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		for ctx.Err() == nil {
			_, err := s.Sweep(ctx, time.Now(), 3)
			if b, ok := s.(*bolt.Store); ok && err == nil {
				err = b.Compact(ctx)
			}
			if err != nil && ctx.Err() == nil {
				t.Errorf("maintain: %v", err)
			}
			runtime.Gosched()
		}
	})
	return func() {
		cancel()
		all.Wait()
	}
}

// With a naive cache in front of the store there is no such order.
func TestLinearizable_control(t *testing.T) {
	for _, r := range trials()[:2] {
		t.Run(r.name, func(t *testing.T) {
			r.naive = true
			for range 20 {
				if ops, _ := r.history(t, 20_000); r.judge(ops) == porcupine.Illegal {
					return
				}
			}
			require.Fail(t, "a naive cache passes")
		})
	}
}
