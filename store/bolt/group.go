package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// commit makes the changes in one transaction and answers each request with
// its own result.
func (s *Store) commit(group []*request) {
	// Neighbours in the file one after the other; those of one record stay in
	// the order in which they came.
	slices.SortStableFunc(group, func(a, b *request) int {
		x, y := a.change.key(), b.change.key()
		return bytes.Compare(x[:], y[:])
	})
	for len(group) > 0 {
		t := &txn{store: s}
		err := s.attempt(t, group)
		var half *halfDone
		if !errors.As(err, &half) {
			s.settle(t, group, err)
			return
		}
		// The transaction was rolled back. Without this one it will do.
		group[half.index].done <- s.describe("change", half.err)
		group = slices.Delete(group, half.index, half.index+1)
	}
}

// attempt runs one transaction over the group and leaves the result of each
// change in its request. The error is that of the transaction as a whole.
func (s *Store) attempt(t *txn, group []*request) error {
	return s.guard(func() error {
		if err := s.heal(); err != nil {
			return err
		}
		committing := false
		err := s.db.Update(func(tx *bbolt.Tx) error {
			if err := t.beginAll(tx); err != nil {
				return err
			}
			if s.owned {
				s.db.AllocSize = growth(tx.Size())
			}
			for i, r := range group {
				before := t.writes
				r.err = r.change.apply(t)
				if r.err != nil && t.writes > before {
					return &halfDone{i, r.err}
				}
			}
			if t.writes == 0 {
				return errNoChange
			}
			committing = true
			return nil
		})
		s.unsure = committing && err != nil && s.file != nil
		return err
	})
}

// errNoChange rolls back a transaction that wrote nothing, which costs no sync.
var errNoChange = errors.New("nothing to commit")

// halfDone says that a change failed after its first write.
type halfDone struct {
	index int
	err   error
}

func (e *halfDone) Error() string { return fmt.Sprintf("change %d: %v", e.index, e.err) }

// settle answers the requests of a transaction that ended with err.
func (s *Store) settle(t *txn, group []*request, err error) {
	switch {
	case err == nil:
		s.stats.committed(group)
		s.touches.forget(t.changed)
	case errors.Is(err, errNoChange):
		s.touches.forget(t.changed)
	case len(group) > 1 && noRoom(err):
		// Nothing of it is in the file. One that is too large must not keep out the
		// others: each has its own transaction now.
		for _, r := range group {
			s.commit([]*request{r})
		}
		return
	default:
		s.lose(t, group, s.describe("commit to", err))
	}
	for _, r := range group {
		r.done <- r.err
	}
}

// lose reports a failed commit to the changes that were lost by it: those that
// had succeeded, and those that were refused for what a lost one had done.
func (s *Store) lose(t *txn, group []*request, err error) {
	lost := make(map[store.ID]bool, len(t.changed))
	for _, id := range t.changed {
		lost[id] = true
	}
	for _, r := range group {
		if r.err == nil || lost[r.change.key()] {
			r.err = err
		}
	}
}
