package bolt

import "sync/atomic"

// Stats counts what a store has done since it was opened.
type Stats struct {
	Reads        uint64 // read transactions
	Commits      uint64 // transactions committed, each synced to the disk
	Changes      uint64 // saves, deletes and sweeps that they carried
	LargestGroup uint64 // the most changes that one of them carried
	Touches      uint64 // touches taken
	Coalesced    uint64 // touches that took the place of one that was not written yet
	Swept        uint64 // expired records removed
}

// Stats returns the present counts. Each is exact; together they are not a
// snapshot.
func (s *Store) Stats() Stats {
	c := &s.stats
	return Stats{
		Reads:        c.reads.Load(),
		Commits:      c.commits.Load(),
		Changes:      c.changes.Load(),
		LargestGroup: c.largest.Load(),
		Touches:      c.touches.Load(),
		Coalesced:    c.coalesced.Load(),
		Swept:        c.swept.Load(),
	}
}

type counters struct {
	reads, commits, changes, largest, touches, coalesced, swept atomic.Uint64
}

// committed counts a group. Only the writer calls it.
func (c *counters) committed(group []*request) {
	c.commits.Add(1)
	var n uint64
	for _, r := range group {
		if _, flush := r.change.(flushChange); r.err == nil && !flush {
			n++
		}
	}
	c.changes.Add(n)
	c.largest.Store(max(c.largest.Load(), n))
}

func (c *counters) touched(again bool) {
	c.touches.Add(1)
	if again {
		c.coalesced.Add(1)
	}
}
