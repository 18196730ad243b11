package cache

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Save implements [store.Store]. The expiry is rounded down to the
// millisecond, so that memory and store agree on when the record ends.
func (s *Store) Save(ctx context.Context, r store.Record) error {
	return s.save(ctx, r, false)
}

// SaveShared is Save without a copy of the data for the cache: r.Data belongs
// to the cache from the call on, whatever it returns, and must never be
// modified again. It may be read, as what [Store.View] returns may.
func (s *Store) SaveShared(ctx context.Context, r store.Record) error {
	return s.save(ctx, r, true)
}

func (s *Store) save(ctx context.Context, r store.Record, shared bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Expires = toMillisecond(r.Expires)
	h := s.hash(r.ID)
	now := time.Now()
	begun := s.epochs.begin(h)
	err := s.inner.Save(ctx, r)
	label, alone := s.epochs.end(h, begun, err)
	if err != nil {
		return err
	}
	if !alone {
		s.stripe(h).skips.Add(1)
		return nil
	}
	if !shared {
		r.Data = bytes.Clone(r.Data)
		r.Owner = strings.Clone(r.Owner)
	}
	s.keep(h, r, label, now)
	return nil
}

// Touch implements [store.Store]. The expiry is rounded down to the
// millisecond. The record stays in memory with its new expiry; it does not
// become younger by it, because a Touch does not show that the rest of the
// record is still what it was.
func (s *Store) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	expires = toMillisecond(expires)
	h := s.hash(id)
	e, _ := s.find(h)
	begun := s.epochs.begin(h)
	err := s.inner.Touch(ctx, id, expires)
	label, _ := s.epochs.end(h, begun, err)
	// One epoch on from the label of e, and none in flight: e was right when
	// this touch began, and no other write began since.
	if err == nil && e != nil && e.record.ID == id && label == e.label+oneEpoch {
		r := e.record
		r.Expires = expires
		s.keep(h, r, label, e.asOf)
	}
	return err
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h := s.hash(id)
	begun := s.epochs.begin(h)
	err := s.inner.Delete(ctx, id)
	s.epochs.end(h, begun, err)
	return err
}

// toMillisecond rounds down as far as any store may. The first instants of
// the year 1 stay as they are: rounded, they would mean never.
func toMillisecond(t time.Time) time.Time {
	if r := t.Truncate(time.Millisecond); !r.IsZero() {
		return r
	}
	return t
}
