package compress

import "context"

// A shared string occurs in the samples of many people.
type shared struct {
	length int
	places []int32 // where it occurs, a part of corpus.sorted
	gain   int     // what a dictionary saves by having it
}

// shared returns the strings of at least minString bytes that occur in the
// samples of at least that many people, each as a whole. Of strings that are
// always followed by the same byte it returns the longest one only.
func (c *corpus) shared(ctx context.Context, people int) ([]shared, error) {
	// A group is a part of sorted, from begin on, with length bytes in common.
	type group struct{ begin, length int }
	var open []group // each a part of the one before
	var found []shared
	for i := 1; i <= len(c.sorted); i++ {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		length, begin := 0, i-1
		if i < len(c.sorted) {
			length = int(c.common[i])
		}
		for len(open) > 0 && open[len(open)-1].length > length {
			g := open[len(open)-1]
			open = open[:len(open)-1]
			begin = g.begin
			if s := (shared{length: g.length, places: c.sorted[g.begin:i]}); g.length >= minString && c.ofMany(s, people) {
				found = append(found, s)
			}
		}
		if len(open) == 0 || open[len(open)-1].length < length {
			open = append(open, group{begin, length})
		}
	}
	return found, nil
}

// ofMany reports whether a string occurs in the samples of at least that many
// people.
func (c *corpus) ofMany(s shared, people int) bool {
	if len(s.places) < people {
		return false
	}
	c.counts++
	n := 0
	for _, place := range s.places {
		person := c.people[c.of[place]]
		if c.counted[person] != c.counts {
			c.counted[person] = c.counts
			n++
		}
		if n == people {
			return true
		}
	}
	return false
}
