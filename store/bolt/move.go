package bolt

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// A move brings the state of a record into the database.
type move struct {
	id    store.ID
	state *state
}

// sortMoves puts neighbours in the file one after the other.
func sortMoves(list []move) {
	slices.SortFunc(list, func(a, b move) int { return bytes.Compare(a.id[:], b.id[:]) })
}

// update runs one transaction that writes. It is called by one goroutine at a
// time: the checkpointer or, without a journal, the writer. A transaction in
// which nothing was written costs no sync.
func (s *Store) update(fn func(t *txn) error) error {
	return s.guard(func() error {
		before := s.tight
		err := s.transact(fn)
		if err != nil && !before && s.tight && s.owned && hides(err) && !s.isUncertain(err) {
			err = s.transact(fn) // there may be room for what is needed, if not for a step of growth
		}
		return err
	})
}

func (s *Store) transact(fn func(t *txn) error) error {
	if err := s.heal(); err != nil {
		return err
	}
	if err := s.syncExchange(); err != nil {
		return err
	}
	db, err := s.mapped()
	if err != nil {
		return err
	}
	txid, committing := 0, false
	s.waits.Store(true)
	defer s.waits.Store(false)
	err = known(db.Update(func(tx *bbolt.Tx) error {
		s.waits.Store(false)
		if err := s.failure.get(); err != nil {
			return err // Close may have given up the file meanwhile
		}
		t := &txn{store: s}
		txid = tx.ID()
		if err := t.begin(tx); err != nil {
			return err
		}
		s.setGrowth(db, tx.Size())
		if err := fn(t); err != nil {
			return err
		}
		if t.writes == 0 {
			return errNoChange
		}
		committing = true
		return nil
	}))
	s.tight = isFull(err)
	switch {
	case err == nil, err == errNoChange:
		return nil
	case isCutOff(err):
		return s.failure.set(s.corrupt(store.ID{}, err))
	case committing:
		_, _ = s.mapped() // so that reads go on; if not, they try it themselves
		return s.doubt(uint64(txid), err)
	}
	return err
}

// setGrowth sets by how much a database of that size is lengthened, if it is the
// store's own.
func (s *Store) setGrowth(db *bbolt.DB, size int64) {
	switch {
	case !s.owned:
	case s.tight:
		db.AllocSize = 1 // no more than it needs
	default:
		db.AllocSize = growth(size)
	}
}

// apply brings states into the transaction, in the order of the database.
func (t *txn) apply(list []move) error {
	sortMoves(list)
	for _, m := range list {
		if err := t.settle(m); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) settle(m move) error {
	old, err := t.find(m.id)
	if err != nil {
		// It was deleted, and perhaps saved anew: whatever can be found of it goes.
		r, _ := decodeRecord(m.id, t.records.Get(m.id[:]))
		if err := t.remove(m.id, &r); err != nil {
			return err
		}
		old = nil
	}
	switch {
	case !m.state.gone:
		return t.put(m.id, old, m.state.draft, m.state.version, m.state.expires, lazyIndex(old, m.state.expires))
	case old != nil:
		return t.remove(m.id, old)
	}
	return nil
}
