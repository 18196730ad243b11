package compress

import "sync/atomic"

// Stats counts what was given to Save since [New], whether or not the inner
// store took it.
type Stats struct {
	Compressed uint64 // records passed on compressed
	Raw        uint64 // records passed on as they were
	BytesIn    uint64 // their data before
	BytesOut   uint64 // and after, with what is put before it
}

type counts struct {
	compressed, raw, in, out atomic.Uint64
}

func (c *counts) saved(data, packed []byte) {
	if packed[0] == formatRaw {
		c.raw.Add(1)
	} else {
		c.compressed.Add(1)
	}
	c.in.Add(uint64(len(data)))
	c.out.Add(uint64(len(packed)))
}

// Stats returns the counts so far. It may be called at any time, after Close
// too.
func (s *Store) Stats() Stats {
	return Stats{
		Compressed: s.counts.compressed.Load(),
		Raw:        s.counts.raw.Load(),
		BytesIn:    s.counts.in.Load(),
		BytesOut:   s.counts.out.Load(),
	}
}
