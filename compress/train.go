package compress

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
)

const (
	// A string gets into a dictionary if it occurs with this many people, and
	// with one in this many of those of whom there are samples. A dictionary
	// outlives the sessions that it was made of, so nothing may be in it that
	// says something about somebody.
	minPeople  = 8
	partPeople = 16

	// contentSize is how long a dictionary gets at most. Session data has not
	// enough in common to fill more.
	contentSize = 4 << 10

	// maxCounted bounds the occurrences of a string that are looked at to see
	// what it is worth.
	maxCounted = 512

	// copyCost is roughly what a copy takes, with the literals that it parts.
	copyCost = 3
)

// train returns the content of a dictionary for data like the samples. It is
// short, or empty, if they have little in common. It ends early with the error
// of ctx.
func train(ctx context.Context, all []sample) ([]byte, error) {
	c, err := newCorpus(ctx, all)
	if err != nil {
		return nil, err
	}
	people := max(minPeople, (len(c.counted)+partPeople-1)/partPeople)
	found, err := c.shared(ctx, people)
	if err != nil {
		return nil, err
	}
	chosen, err := c.choose(ctx, found, people)
	if err != nil {
		return nil, err
	}
	// What is near the end costs least to refer to.
	slices.Reverse(chosen)
	var content []byte
	for _, s := range chosen {
		content = append(content, c.string(s)...)
	}
	return content, nil
}

func (c *corpus) string(s shared) []byte {
	return c.text[s.places[0]:][:s.length]
}

// choose returns strings that together save most, the best one first: again
// and again the one that saves most of what those before it have left.
func (c *corpus) choose(ctx context.Context, found []shared, least int) ([]shared, error) {
	covered := make([]bool, len(c.text))
	for i := range found {
		found[i].gain = found[i].worth(covered)
	}
	var chosen []shared
	queue := byGain(found)
	heap.Init(&queue)
	for room := contentSize; len(queue) > 0 && room >= minString; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		best := &queue[0]
		gain := best.worth(covered)
		switch {
		case gain < least || best.length > room:
			heap.Pop(&queue)
		case gain < best.gain: // others may be better now
			best.gain = gain
			heap.Fix(&queue, 0)
		default:
			chosen = append(chosen, *best)
			best.cover(covered)
			room -= best.length
			heap.Pop(&queue)
		}
	}
	return chosen, nil
}

// worth returns how many bytes a dictionary with s saves beyond what is
// covered already, extrapolated where s occurs very often.
func (s *shared) worth(covered []bool) int {
	step := 1 + len(s.places)/maxCounted
	gain := 0
	for i := 0; i < len(s.places); i += step {
		free := -copyCost
		for _, is := range covered[s.places[i]:][:s.length] {
			if !is {
				free++
			}
		}
		gain += max(free, 0)
	}
	return gain * step
}

func (s *shared) cover(covered []bool) {
	for _, place := range s.places {
		for i := range s.length {
			covered[int(place)+i] = true
		}
	}
}

// byGain is a heap of strings, with the best one first.
type byGain []shared

func (q byGain) Len() int           { return len(q) }
func (q byGain) Less(i, j int) bool { return cmp.Less(q[j].gain, q[i].gain) }
func (q byGain) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byGain) Push(x any)        { *q = append(*q, x.(shared)) }

func (q *byGain) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
