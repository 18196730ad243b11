package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.ready(ctx); err != nil {
		return store.Record{}, err
	}
	for {
		// First the touch, then the file: a touch that is written in between
		// is found there. If it is gone after that, the file may have changed
		// twice and look the same: read again.
		touch := s.touches.get(id)
		r, err := s.read(id, touch)
		if touch == nil || s.touches.get(id) == touch {
			return r, err
		}
	}
}

// read returns a copy of the record under id, if it is alive.
func (s *Store) read(id store.ID, touch *touch) (out store.Record, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		t := &txn{store: s}
		if err := t.begin(tx); err != nil {
			return err
		}
		out, err = t.load(id, touch)
		return err
	})
	if err != nil && err != store.ErrNotFound {
		err = s.describe("load from", err)
	}
	return out, err
}

// load returns a copy of the record under id, if it is alive, given its touch.
func (t *txn) load(id store.ID, touch *touch) (store.Record, error) {
	b := t.records.Get(id[:])
	if b == nil {
		return store.Record{}, store.ErrNotFound
	}
	r, err := decodeRecord(id, b)
	if err != nil {
		return store.Record{}, t.store.corrupt(id, err)
	}
	ends := touch.over(r)
	if expired(ends, t.now) {
		return store.Record{}, store.ErrNotFound
	}
	return r.copyOut(id, ends), nil
}

// copyOut makes a record that outlives the transaction.
func (r record) copyOut(id store.ID, ends int64) store.Record {
	return store.Record{
		ID:      id,
		Version: r.version,
		Expires: moment(ends),
		Owner:   string(r.owner),
		Data:    bytes.Clone(r.data),
	}
}

// view reads from the database. Nothing that fn sees may outlive it.
func (s *Store) view(fn func(*bbolt.Tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.stats.reads.Add(1)
	return s.guard(func() error { return s.db.View(fn) })
}
