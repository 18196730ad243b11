package cache

import (
	"bytes"
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Load implements [store.Store]. The data is a copy, which the caller owns.
func (s *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r, shared, err := s.load(ctx, id)
	if shared {
		r.Data = bytes.Clone(r.Data)
	}
	return r, err
}

// View is Load without the copy: the data is shared with the cache and with
// everybody else who views the record. It must not be modified. In return
// nobody else modifies it either, so it stays as it is for as long as the
// caller likes, whatever happens to the record. A hit allocates nothing.
func (s *Store) View(ctx context.Context, id store.ID) (store.Record, error) {
	r, _, err := s.load(ctx, id)
	return r, err
}

// load returns the record and whether the cache holds on to its data.
func (s *Store) load(ctx context.Context, id store.ID) (r store.Record, shared bool, err error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, false, err
	}
	h := s.hash(id)
	e, open := s.find(h)
	if !open {
		return store.Record{}, false, store.ErrClosed
	}
	// The clock after the word: a record that is alive now was so then.
	word := s.epochs.word(h)
	now := time.Now()
	if e.hit(id, word, now, s.maxAge) {
		s.stripe(h).hits.Add(1)
		return e.record, true, nil
	}
	s.stripe(h).misses.Add(1)
	if r, err = s.inner.Load(ctx, id); err != nil {
		return store.Record{}, false, err
	}
	return r, s.keep(h, r, word, now), nil
}

// find returns the entry under h, nil if there is none, and whether the cache
// is open.
func (s *Store) find(h uint64) (e *entry, open bool) {
	g := &s.stripe(h).gate
	if !g.Enter() {
		return nil, false
	}
	defer g.Leave()
	e, _ = s.records.Get(h)
	return e, true
}

// keep puts r in the cache, if label is one and still stands. It reports
// whether it did; if so, the bytes of r must not change any more.
func (s *Store) keep(h uint64, r store.Record, label uint64, asOf time.Time) bool {
	st := s.stripe(h)
	c := cost(r)
	if c > s.largest || !s.epochs.labels(h, label, asOf) || s.epochs.word(h) != label {
		st.skips.Add(1)
		return false
	}
	if !st.gate.Enter() {
		return false
	}
	defer st.gate.Leave()
	s.records.Set(h, newEntry(r, label, asOf), c)
	st.fills.Add(1)
	return true
}
