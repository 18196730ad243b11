package bolt

import (
	"context"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

const (
	// maxPending bounds how many touches wait in memory before they are
	// written ahead of time.
	maxPending = 4096

	// maxFlush bounds how many are written in one transaction, so that they
	// do not hold up the changes that share it.
	maxFlush = 256
)

// Touch implements [store.Store]. The new expiry is seen at once; it is written
// within the time of [WithTouchInterval], together with others, and lost if
// the process crashes before.
func (s *Store) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.submit(ctx, &request{touch: &touchChange{id, millis(expires)}})
}

type touchChange struct {
	id      store.ID
	expires int64
}

// A touch is an expiry that is not written yet. It belongs to one stored state
// of the record, so that a state saved later, with an expiry of its own, is not
// affected by it. It is never altered: a later touch takes its place.
type touch struct {
	expires int64
	base    stamp
}

// A stamp tells the stored states of one record apart.
type stamp struct {
	version uint64
	expires int64
	sum     uint32
}

func (r record) stamp() stamp { return stamp{r.version, r.expires, r.sum} }

// over returns when the stored state r expires, given the record's touch,
// which may be nil.
func (t *touch) over(r record) int64 {
	if t != nil && t.base == r.stamp() {
		return t.expires
	}
	return r.expires
}

// touches are those that are pending. Only the writer alters them, and only
// between its transactions; so a touch never races with a Save, Delete or
// Sweep of the same record.
type touches struct {
	mu      sync.RWMutex
	pending map[store.ID]*touch
}

// get returns the touch of a record, or nil.
func (p *touches) get(id store.ID) *touch {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.pending[id]
}

func (p *touches) count() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.pending)
}

// put reports whether a touch was waiting already.
func (p *touches) put(id store.ID, t *touch) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending = make(map[store.ID]*touch)
	}
	_, again = p.pending[id]
	p.pending[id] = t
	return again
}

func (p *touches) forget(ids []store.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		delete(p.pending, id)
	}
}

// some returns up to limit of the records whose touch satisfies keep.
func (p *touches) some(limit int, keep func(*touch) bool) []store.ID {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var ids []store.ID
	for id, t := range p.pending {
		if len(ids) == limit {
			break
		}
		if keep(t) {
			ids = append(ids, id)
		}
	}
	return ids
}

// applyTouches answers requests to touch, from the file as it is between two
// transactions of the writer.
func (s *Store) applyTouches(requests []*request) {
	if len(requests) == 0 {
		return
	}
	err := s.view(func(tx *bbolt.Tx) error {
		t := &txn{store: s}
		if err := t.begin(tx); err != nil {
			return err
		}
		for _, r := range requests {
			r.err = s.applyTouch(t, r.touch)
		}
		return nil
	})
	for _, r := range requests {
		if err != nil {
			r.err = s.describe("touch in", err)
		}
		r.done <- r.err
	}
}

func (s *Store) applyTouch(t *txn, c *touchChange) error {
	r, err := t.find(c.id)
	switch {
	case err != nil:
		return err
	case r == nil || expired(r.ends, t.now):
		return store.ErrNotFound
	case r.ends == c.expires:
		return nil
	}
	again := s.touches.put(c.id, &touch{c.expires, r.stamp()})
	s.stats.touched(again)
	return nil
}

// flushTouches writes all touches that are pending.
func (s *Store) flushTouches() error {
	for s.touches.count() > 0 {
		r := s.flushRequest(maxFlush)
		s.commit([]*request{r})
		if err := <-r.done; err != nil {
			return err
		}
	}
	return s.failure.get()
}

// flushRequest asks for up to limit of the pending touches to be written. Nobody
// waits for it: what a failed commit leaves is written by a later one.
func (s *Store) flushRequest(limit int) *request {
	all := func(*touch) bool { return true }
	return &request{change: flushChange{s.touches.some(limit, all)}, done: make(chan error, 1)}
}

type flushChange struct{ ids []store.ID }

func (c flushChange) key() store.ID { return store.ID{} }
func (c flushChange) size() int     { return 0 }

func (c flushChange) apply(t *txn) error {
	for _, id := range c.ids {
		r, err := t.find(id)
		if err != nil || r == nil || r.ends == r.expires {
			// Nothing that the touch was meant for is left.
			t.changed = append(t.changed, id)
			continue
		}
		if err := t.rewrite(id, &r.record, r.ends, lazyIndex(&r.record, r.ends)); err != nil {
			return err
		}
	}
	return nil
}
