package bolt

import (
	"cmp"
	"errors"
	"slices"

	"github.com/gimlet-go/gimlet/store"
)

// serve gives each request of a group its result: what they change is decided
// first, then made durable together, then seen by everybody. With flush the
// touches that wait are made durable as well.
func (s *Store) serve(g *group, flush bool) {
	defer s.overlay.free()
	d, err := s.decide(g)
	if err != nil {
		err = notSaved(s.describe("change", err))
		answer(g.touches, err)
		answer(g.changes, err)
		return
	}
	later := d.later // the decision is made anew for each group
	s.seeTouches(d, g.touches[:len(g.touches)-len(later)])
	list := append(d.moves(), s.touchesToWrite(d, flush)...)
	if len(list) > 0 || (len(g.changes) > 0 || flush) && s.inDoubt() {
		err = s.keep(list)
	}
	switch {
	case err == nil:
		s.stats.served(g.changes, len(list))
	case len(g.changes) > 1 && isFull(err) && !s.isUncertain(err):
		s.overlay.free()
		s.serveHalves(g.changes)
		g.changes = nil
	case s.isUncertain(err):
		d.lose(g.changes, s.describe("commit to", err))
	default:
		d.lose(g.changes, notSaved(s.describe("commit to", err)))
	}
	answer(g.changes, nil)
	if len(later) > 0 {
		s.overlay.free()
		s.serve(&group{touches: later}, false)
	}
}

// serveHalves serves changes for which together there is no room, and of which
// nothing was kept. One that is too large must not keep out the others, so those that
// are smaller have their turn first; if there is no room for the smallest, there is
// none for any.
func (s *Store) serveHalves(changes []*request) {
	slices.SortStableFunc(changes, func(a, b *request) int { return cmp.Compare(a.change.size(), b.change.size()) })
	small, large := changes[:len(changes)/2], changes[len(changes)/2:]
	s.serve(&group{changes: small}, false)
	if err := small[0].err; errors.Is(err, store.ErrFull) && errors.Is(err, store.ErrNotSaved) {
		answer(large, err)
		return
	}
	s.serve(&group{changes: large}, false)
}

// inDoubt reports whether an earlier change may be there, or not, when the store is
// opened after a crash. Then what has nothing to change has to be kept as well: it
// relies on how the records are now. If nobody asks for anything the flush ends it.
func (s *Store) inDoubt() bool {
	if s.journal != nil {
		return s.journal.lost
	}
	return s.unsure
}

// answer gives requests their results or, if it is not nil, err.
func answer(requests []*request, err error) {
	for _, r := range requests {
		if err != nil {
			r.err = err
		}
		r.finish(r.err)
	}
}

// keep makes states durable, and then visible. In a store that has failed the
// checkpointer may still be at the journal, for which nobody waits any more.
func (s *Store) keep(list []move) error {
	if err := s.failure.get(); err != nil {
		return err
	}
	switch at := s.whereabouts(); {
	case at == removed:
		return errRemoved
	case at == moved && s.journal != nil:
		return s.without(list, nil)
	case s.journal != nil:
		return s.writeAhead(list)
	}
	if err := s.update(func(t *txn) error { return t.apply(list) }); err != nil {
		return err
	}
	s.overlay.forget(list)
	return nil
}

// lose reports a failure to the changes that were lost by it: those that had
// succeeded, and those that were refused for what a lost one had done.
func (d *decision) lose(changes []*request, err error) {
	for _, r := range changes {
		if r.err == nil || d.staged[r.change.key()] {
			r.err = err
		}
	}
}

// A group is what the writer serves in one round.
type group struct {
	touches []*request
	changes []*request
	jobs    []*request
	bytes   int
}

// appendIDs appends the records that the group is about.
func (g *group) appendIDs(ids []store.ID) []store.ID {
	for _, r := range g.touches {
		ids = append(ids, r.touch.id)
	}
	for _, r := range g.changes {
		ids = append(ids, r.change.key())
	}
	return ids
}

func (g *group) add(r *request) {
	if !r.claim(taken) {
		return
	}
	if err := r.ctx.Err(); err != nil {
		r.finish(r.undone(err))
		return
	}
	switch {
	case r.touch != nil:
		g.touches = append(g.touches, r)
	case r.job != nil:
		g.jobs = append(g.jobs, r)
	default:
		g.changes = append(g.changes, r)
		g.bytes += r.change.size()
	}
}

// full reports whether no more requests fit into the group.
func (g *group) full() bool {
	return len(g.changes)+len(g.touches) >= maxGroup || !sharesSyncs && len(g.changes) > 0 || g.bytes >= maxGroupBytes || len(g.jobs) > 0
}
