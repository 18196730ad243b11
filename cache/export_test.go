package cache

import (
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

const DoubtTime = doubtTime

// Wait returns when the map underneath has applied all that it was given.
func (s *Store) Wait() { s.records.Wait() }

// NaiveView is View with the safeguard out: it takes what the map has, whatever
// has been written since.
func (s *Store) NaiveView(ctx context.Context, id store.ID) (store.Record, error) {
	if e, ok := s.records.Get(s.hash(id)); ok && e.record.ID == id {
		return e.record, nil
	}
	return s.View(ctx, id)
}

// CloseUngated is Close with the safeguard out: it does not wait for those who
// are using the map.
func (s *Store) CloseUngated() {
	s.records.Close()
	s.inner.Close()
}

// Plant puts r where the record of id would be, with a good label: what
// would happen if the IDs of two records had the same hash.
func (s *Store) Plant(id store.ID, r store.Record) {
	h := s.hash(id)
	s.records.Wait()
	s.records.Set(h, newEntry(r, s.epochs.word(h), time.Now()), cost(r))
	s.records.Wait()
}

// SameWord reports whether a write to the record of one ID ends the entry of
// the other.
func (s *Store) SameWord(a, b store.ID) bool {
	return s.hash(a)>>s.epochs.shift == s.hash(b)>>s.epochs.shift
}
