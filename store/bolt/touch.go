package bolt

import (
	"context"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

const (
	// maxPending bounds how many touches wait in memory before they are
	// written ahead of time.
	maxPending = 4096

	// maxPendingBytes bounds the records in memory that they are about, and how
	// much of them one round adds.
	maxPendingBytes = 512 << 10

	// maxFlush bounds how many are written together, so that they do not hold
	// up the changes beside them.
	maxFlush = 256
)

// Touch implements [store.Store]. The new expiry is seen at once; it is written
// within the time of [WithTouchInterval], together with others, and lost if
// the process crashes before.
func (s *Store) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.submit(ctx, &request{touch: &touchChange{id: id, expires: millis(expires)}})
}

type touchChange struct {
	id      store.ID
	expires int64
	state   *state // the result, nil when nothing changes
}

func (c *touchChange) apply(d *decision) error {
	c.state = nil
	r, err := d.find(c.id)
	switch {
	case err != nil:
		return err
	case r == nil || expired(r.expires, d.now):
		return store.ErrNotFound
	case r.expires == c.expires:
		return nil
	}
	old := d.states[c.id]
	if old == nil {
		old = newState(r.version, r.expires, newDraft(r.owner, r.data))
	}
	c.state = old.touch(c.expires)
	d.states[c.id] = c.state
	return nil
}

// seeTouches makes the touches of a group visible and answers them. They are
// written later.
func (s *Store) seeTouches(d *decision, requests []*request) {
	for _, r := range requests {
		if c := r.touch; c.state != nil {
			s.stats.touched(s.overlay.touch(c.id, c.state))
		}
		r.finish(r.err)
	}
}

// touchesToWrite returns the touches that a group carries: with flush, or when too
// many wait. Those of records that the group changes are left out.
func (s *Store) touchesToWrite(d *decision, flush bool) []move {
	over := s.overlay.waiting() - maxPending
	limit := max(maxFlush, over)
	switch {
	case s.overlay.waitingBytes() > maxPendingBytes:
		limit = s.overlay.waiting()
	case !flush && over < 0:
		return nil
	}
	list := s.overlay.someLoose(limit)
	return slices.DeleteFunc(list, func(m move) bool { return d.staged[m.id] })
}

// flushTouches writes all touches that are pending, which only the writer may ask for.
func (s *Store) flushTouches() error {
	for s.overlay.waiting() > 0 {
		if err := s.keep(s.overlay.someLoose(maxFlush)); err != nil {
			return err
		}
	}
	return s.failure.get()
}
