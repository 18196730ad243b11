package compress

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/store"
)

const (
	// enoughSamples are what a dictionary is made of. From four times as many
	// comes none that is better by a hundredth, only later.
	enoughSamples = 256

	// someSamples say that there is going to be a use for a dictionary: it is
	// looked whether the store has one.
	someSamples = 64

	// samplesOfOne is how many records of one owner are taken.
	samplesOfOne = 4

	maxSample = 2 << 10 // bytes; the rest of longer data is not looked at
)

// A sample is the beginning of the data of one record.
type sample struct {
	person string // whose it is
	data   []byte
}

// personOf says whose a record is, so that what many records have in common is
// not taken for what many people have in common. Without an owner each record
// counts as a person.
func personOf(r store.Record) string {
	if r.Owner == "" {
		return string(r.ID[:])
	}
	return "\x00" + r.Owner // an ID begins with zero only if it is reserved
}

// samples gather data that is saved, while they are on. They are safe for
// concurrent use.
type samples struct {
	on atomic.Bool

	mu     sync.Mutex
	all    []sample
	seen   map[store.ID]bool
	people map[string]int
	closed bool
}

// gather begins anew.
func (s *samples) gather() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.all, s.seen, s.people = nil, make(map[store.ID]bool), make(map[string]int)
	s.on.Store(true)
}

// close forgets everything, for good.
func (s *samples) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.drop()
}

// drop forgets everything, and gathers no more.
func (s *samples) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on.Store(false)
	s.all, s.seen, s.people = nil, nil, nil
}

// add takes the data of a record, which stays the caller's, and returns how
// many samples there are now, or 0 if it was not taken. Nobody waits: when two
// come at once, one is left out.
func (s *samples) add(r store.Record) int {
	if !s.on.Load() || !s.mu.TryLock() {
		return 0
	}
	defer s.mu.Unlock()
	if s.seen[r.ID] || len(s.all) == enoughSamples || !s.on.Load() {
		return 0
	}
	person := personOf(r)
	if s.people[person] == samplesOfOne {
		return 0
	}
	s.seen[r.ID] = true
	s.people[person]++
	s.all = append(s.all, sample{person, bytes.Clone(r.Data[:min(len(r.Data), maxSample)])})
	if len(s.all) == enoughSamples {
		s.on.Store(false)
	}
	return len(s.all)
}

// full returns all samples if there are enough.
func (s *samples) full() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) < enoughSamples {
		return nil
	}
	return s.all
}
