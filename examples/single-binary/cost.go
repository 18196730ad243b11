package main

import "github.com/gimlet-go/gimlet"

// A cost is what requests made the sessions do.
type cost struct {
	Reads   uint64 // of the file: loads and listings
	Hits    uint64 // reads that were answered from memory
	Writes  uint64 // to the file: saves, deadlines moved, deletions
	Cookies uint64 // Set-Cookie headers
}

// costs is what the footer shows. The counters belong to the whole program, so
// what neighbours do at the same moment counts as this page's, too.
type costs struct {
	Page, Total cost
}

func costOf(s gimlet.Stats) cost {
	return cost{
		Reads:   s.Store.Loads + s.Store.Lists,
		Hits:    s.Cache.Hits,
		Writes:  s.Store.Saves + s.Store.Touches + s.Store.Deletes,
		Cookies: s.Cookies,
	}
}

// since returns what was done after before.
func (c cost) since(before cost) cost {
	return cost{
		Reads:   c.Reads - before.Reads,
		Hits:    c.Hits - before.Hits,
		Writes:  c.Writes - before.Writes,
		Cookies: c.Cookies - before.Cookies,
	}
}
