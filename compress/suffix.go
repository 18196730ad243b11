package compress

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

const (
	minString = minMatch
	maxString = 64 // bytes of a string that is looked for
)

// A corpus is the text of all samples, arranged so that equal strings lie
// together.
type corpus struct {
	text   []byte
	of     []uint16 // by place in text, the sample
	ends   []int32  // by sample, where its text ends
	people []uint16 // by sample, whose it is
	sorted []int32  // places in text, in the order of what begins there
	common []uint8  // by place in sorted, what it has in common with the one before

	counted []int32 // by person, the count that met them last
	counts  int32
}

// newCorpus arranges samples, of which there are at most 65535. It ends early
// with the error of ctx.
func newCorpus(ctx context.Context, all []sample) (*corpus, error) {
	size := 0
	for _, s := range all {
		size += len(s.data)
	}
	c := &corpus{text: make([]byte, 0, size), of: make([]uint16, 0, size)}
	numbers := make(map[string]uint16)
	for i, s := range all {
		number, ok := numbers[s.person]
		if !ok {
			number = uint16(len(numbers))
			numbers[s.person] = number
		}
		c.people = append(c.people, number)
		c.text = append(c.text, s.data...)
		c.ends = append(c.ends, int32(len(c.text)))
		for range s.data {
			c.of = append(c.of, uint16(i))
		}
	}
	c.counted = make([]int32, len(numbers))
	if err := c.sort(ctx); err != nil {
		return nil, err
	}
	c.common = make([]uint8, len(c.sorted))
	for i := 1; i < len(c.sorted); i++ {
		c.common[i] = uint8(common(c.from(c.sorted[i-1]), c.from(c.sorted[i])))
	}
	return c, nil
}

// from returns the text from a place on, at most maxString bytes and nothing
// of the next sample.
func (c *corpus) from(place int32) []byte {
	return c.text[place:min(place+maxString, c.ends[c.of[place]])]
}

// A suffix is a place with the first bytes of what begins there, which decide
// most comparisons.
type suffix struct {
	start uint64
	place int32
}

// sort sorts the places at which a string can begin. It does so for one first
// byte after the other, in order to look at ctx in between.
func (c *corpus) sort(ctx context.Context) error {
	var sizes [256]int
	for _, b := range c.text {
		sizes[b]++
	}
	room := make([]suffix, len(c.text))
	var groups [256][]suffix
	for b, n := range sizes {
		groups[b], room = room[:0:n], room[n:]
	}
	for place := range int32(len(c.text)) {
		b := c.from(place)
		if len(b) < minString {
			continue
		}
		var start [8]byte
		copy(start[:], b)
		groups[b[0]] = append(groups[b[0]], suffix{binary.BigEndian.Uint64(start[:]), place})
	}
	c.sorted = make([]int32, 0, len(c.text))
	for _, group := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		slices.SortFunc(group, c.compare)
		for _, s := range group {
			c.sorted = append(c.sorted, s.place)
		}
	}
	return nil
}

func (c *corpus) compare(a, b suffix) int {
	if a.start != b.start {
		return cmp.Compare(a.start, b.start)
	}
	return bytes.Compare(c.from(a.place), c.from(b.place))
}
