package gimlet

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
)

// Stats counts what a manager has done since [New]. All numbers only grow.
type Stats struct {
	Opened   uint64 // cookies that opened
	Rejected uint64 // cookies, tokens and records that were not accepted
	Cookies  uint64 // Set-Cookie headers

	Loads     uint64 // sessions looked for, in the cache or the store
	Saves     uint64 // sessions saved, attempts that conflicted included
	Touches   uint64 // idle deadlines moved
	Deletes   uint64 // records deleted
	Conflicts uint64 // saves tried again because another request had saved first
	Quick     uint64 // saves that nobody waited for
	Sweeps    uint64 // batches of the sweep
	Swept     uint64 // expired records that it removed
	Ended     uint64 // sessions that were destroyed or revoked
	Failures  uint64 // sessions that failed, see Session.Err
	Corrupt   uint64 // values that could not be decoded

	Store       StoreStats     // calls that reached the store that New was given
	Cache       cache.Stats    // zero without a cache
	Compression compress.Stats // of the compression layer
}

// StoreStats counts the calls to the store below cache and compression, the
// manager's own records included.
type StoreStats struct {
	Loads, Saves, Touches, Deletes, Lists, Sweeps uint64

	// Errors counts the calls that failed, not those that found nothing or
	// lost against another save.
	Errors uint64
}

type counters struct {
	opened, rejected, cookies                        atomic.Uint64
	loads, saves, touches, deletes, conflicts, quick atomic.Uint64
	sweeps, swept, ended, failures, corrupt          atomic.Uint64
}

type meterCounts struct {
	loads, saves, touches, deletes, lists, sweeps, errors atomic.Uint64
}

// List is counted when it begins.
func (s *meter) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		s.counts.lists.Add(1)
		s.Store.List(ctx, owner)(yield)
	}
}

// Stats returns the counts so far. It may be called at any time.
func (m *Manager) Stats() Stats {
	c, b := &m.stats, &m.base.counts
	s := Stats{
		Opened: c.opened.Load(), Rejected: c.rejected.Load(), Cookies: c.cookies.Load(),
		Loads: c.loads.Load(), Saves: c.saves.Load(), Touches: c.touches.Load(), Deletes: c.deletes.Load(),
		Conflicts: c.conflicts.Load(), Quick: c.quick.Load(), Sweeps: c.sweeps.Load(), Swept: c.swept.Load(),
		Ended: c.ended.Load(), Failures: c.failures.Load(), Corrupt: c.corrupt.Load(),
		Store: StoreStats{
			Loads: b.loads.Load(), Saves: b.saves.Load(), Touches: b.touches.Load(), Deletes: b.deletes.Load(),
			Lists: b.lists.Load(), Sweeps: b.sweeps.Load(), Errors: b.errors.Load(),
		},
		Compression: m.zstd.Stats(),
	}
	if m.cache != nil {
		s.Cache = m.cache.Stats()
	}
	return s
}
