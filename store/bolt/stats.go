package bolt

import "sync/atomic"

// Stats counts what a store has done since it was opened.
type Stats struct {
	Reads        uint64 // read transactions
	Commits      uint64 // groups of changes made durable, and parts of sweeps
	Changes      uint64 // saves and deletes that they carried
	LargestGroup uint64 // the most of these that one group carried
	Appended     uint64 // bytes appended to the journal
	Checkpoints  uint64 // transactions that moved changes from the journal into the database
	Moved        uint64 // records that they wrote
	Touches      uint64 // touches taken
	Coalesced    uint64 // touches that took the place of one that was not written yet
	Swept        uint64 // expired records removed
	Compactions  uint64 // times that the file was compacted, by itself or by Compact
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
		Appended:     c.bytes.Load(),
		Checkpoints:  c.checkpoints.Load(),
		Moved:        c.records.Load(),
		Touches:      c.touches.Load(),
		Coalesced:    c.coalesced.Load(),
		Swept:        c.swept.Load(),
		Compactions:  c.compactions.Load(),
	}
}

type counters struct {
	reads, commits, changes, largest, bytes, checkpoints, records, touches, coalesced, swept, compactions atomic.Uint64
}

// served counts a group that was made durable, if it wrote anything.
func (c *counters) served(changes []*request, wrote int) {
	if wrote == 0 {
		return
	}
	c.commits.Add(1)
	var n uint64
	for _, r := range changes {
		if r.err == nil {
			n++
		}
	}
	c.changes.Add(n)
	c.largest.Store(max(c.largest.Load(), n))
}

func (c *counters) appended(bytes int64) { c.bytes.Add(uint64(bytes)) }

func (c *counters) moved(records int) {
	if records > 0 {
		c.checkpoints.Add(1)
		c.records.Add(uint64(records))
	}
}

func (c *counters) touched(again bool) {
	c.touches.Add(1)
	if again {
		c.coalesced.Add(1)
	}
}
