package memory

import (
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// sweepBatch bounds the time for which a sweep keeps others waiting: about a
// millisecond.
const sweepBatch = 1000

// Sweep implements [store.Store]. It gives the lock back after every thousand
// records. When ctx ends meanwhile, the count says how many were removed.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	removed := 0
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		batch := min(limit-removed, sweepBatch)
		n, err := s.sweep(now, batch)
		removed += n
		if err != nil || n < batch || removed >= limit {
			return removed, err
		}
	}
}

func (s *Store) sweep(now time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	removed := 0
	for removed < limit && len(s.expiry) > 0 && s.expiry[0].record.Expired(now) {
		s.remove(s.expiry[0])
		removed++
	}
	return removed, nil
}
