package bolt

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
)

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.ready(ctx); err != nil {
		return store.Record{}, err
	}
	out, err := s.newest(id)
	// A change that is under way may have been decided while the record was alive.
	// Then the record does not end, and nobody may have seen that it did.
	for settled := int64(0); err != nil; out, err = s.newest(id) {
		var over *expiredError
		switch {
		case !errors.As(err, &over):
			return out, err
		case over.at <= settled:
			return out, store.ErrNotFound
		}
		settled = millis(time.Now())
		if err := s.settle(ctx, id); err != nil {
			return store.Record{}, err
		}
	}
	return out, nil
}

// settle waits until no change of a record is under way.
func (s *Store) settle(ctx context.Context, id store.ID) error {
	for {
		freed := s.overlay.freed(id)
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.failure.happened:
			return s.failure.get()
		case <-s.givenUp:
			return s.closed()
		}
	}
}

// newest returns a copy of the record under id, if it is alive.
func (s *Store) newest(id store.ID) (store.Record, error) {
	// First the overlay, then the database: what is moved in between is found
	// in both. Then the overlay again: what is saved without the journal is in the
	// database a moment before an older touch is taken out of the overlay, and who has
	// seen it must not be shown that afterwards.
	if state := s.overlay.get(id); state != nil {
		return state.load(id, millis(time.Now()))
	}
	r, err := s.read(id)
	if state := s.overlay.get(id); state != nil {
		return state.load(id, millis(time.Now()))
	}
	return r, err
}

// An expiredError is store.ErrNotFound for a record that is still kept.
type expiredError struct{ at int64 }

func (*expiredError) Error() string { return store.ErrNotFound.Error() }
func (*expiredError) Unwrap() error { return store.ErrNotFound }

// load returns a copy of the record, if it is alive.
func (s *state) load(id store.ID, now int64) (store.Record, error) {
	switch {
	case s.gone:
		return store.Record{}, store.ErrNotFound
	case expired(s.expires, now):
		return store.Record{}, &expiredError{s.expires}
	}
	return s.copyOut(id), nil
}

// read returns a copy of the record that the database has under id, if it is alive.
func (s *Store) read(id store.ID) (out store.Record, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		records := tx.Bucket(s.buckets.records)
		if records == nil {
			return s.corrupt(store.ID{}, errNoBucket)
		}
		out, err = s.loadFrom(records, id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		err = s.describe("load from", err)
	}
	return out, err
}

func (s *Store) loadFrom(records *bbolt.Bucket, id store.ID) (store.Record, error) {
	b := records.Get(id[:])
	if b == nil {
		return store.Record{}, store.ErrNotFound
	}
	// The copy is checked: what is in the map changes with the file, whoever writes it.
	r, err := decodeRecord(id, bytes.Clone(b))
	if err != nil {
		return store.Record{}, s.corrupt(id, err)
	}
	if expired(r.expires, millis(time.Now())) {
		return store.Record{}, &expiredError{r.expires}
	}
	return r.handOut(id), nil
}

// copyOut makes a record that the caller owns.
func (r record) copyOut(id store.ID) store.Record {
	r.data = bytes.Clone(r.data)
	return r.handOut(id)
}

// handOut makes a record whose data the caller owns from now on.
func (r record) handOut(id store.ID) store.Record {
	return store.Record{
		ID:      id,
		Version: r.version,
		Expires: moment(r.expires),
		Owner:   string(r.owner),
		Data:    slices.Clip(r.data),
	}
}

// view reads from the database. Nothing that fn sees may outlive it.
func (s *Store) view(fn func(*bbolt.Tx) error) error {
	s.stats.reads.Add(1)
	db, err := s.viewOnce(fn)
	if errors.Is(err, bberrors.ErrInvalidMapping) {
		if err = s.remap(db); err == nil {
			_, err = s.viewOnce(fn)
		}
	}
	return err
}

// viewOnce also returns which database it has read from.
func (s *Store) viewOnce(fn func(*bbolt.Tx) error) (*bbolt.DB, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.db, s.reading(s.db, fn)
}
