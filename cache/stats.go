package cache

import (
	"sync/atomic"

	"github.com/gimlet-go/gimlet/internal/gate"
)

// Stats counts what a cache has done since [New].
type Stats struct {
	Hits   uint64 // reads answered from memory
	Misses uint64 // reads passed on to the inner store
	Fills  uint64 // records put in memory, by reads and by writes
	Skips  uint64 // records read or saved, but not put in memory: too large, or beside another write
}

// Stats returns the counts so far. It may be called at any time, after Close
// too.
func (s *Store) Stats() Stats {
	var sum Stats
	for i := range s.stripes {
		st := &s.stripes[i]
		sum.Hits += st.hits.Load()
		sum.Misses += st.misses.Load()
		sum.Fills += st.fills.Load()
		sum.Skips += st.skips.Load()
	}
	return sum
}

// A stripe is what every read writes to, however short: a gate and counters.
// There are many, so that cores that read different records do not fight over
// one cache line.
type stripe struct {
	gate   gate.Gate
	hits   atomic.Uint64
	misses atomic.Uint64
	fills  atomic.Uint64
	skips  atomic.Uint64
	_      [64]byte // so that no two stripes share a line
}

const stripeCount = 64

func (s *Store) stripe(h uint64) *stripe {
	return &s.stripes[h%stripeCount]
}
