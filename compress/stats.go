package compress

import "sync/atomic"

// Stats counts what was given to Save since [New], whether or not the inner
// store took it.
type Stats struct {
	Compressed uint64 // records passed on compressed
	Short      uint64 // of these, with a dictionary
	Raw        uint64 // records passed on as they were
	BytesIn    uint64 // their data before
	BytesOut   uint64 // and after, with what is put before it

	// Dictionary is the number of the dictionary that is in use, counted from
	// 1 in the life of the inner store; 0 while there is none.
	Dictionary int
}

type counts struct {
	compressed, short, raw, in, out atomic.Uint64
}

func (c *counts) saved(data, packed []byte) {
	switch packed[0] {
	case formatRaw:
		c.raw.Add(1)
	case formatShort:
		c.short.Add(1)
		fallthrough
	default:
		c.compressed.Add(1)
	}
	c.in.Add(uint64(len(data)))
	c.out.Add(uint64(len(packed)))
}

// Stats returns the counts so far. It may be called at any time, after Close
// too.
func (s *Store) Stats() Stats {
	number := 0
	if d := s.dictionary(); d != nil {
		number = d.number
	}
	return Stats{
		Compressed: s.counts.compressed.Load(),
		Short:      s.counts.short.Load(),
		Raw:        s.counts.raw.Load(),
		BytesIn:    s.counts.in.Load(),
		BytesOut:   s.counts.out.Load(),
		Dictionary: number,
	}
}
