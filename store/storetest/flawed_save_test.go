package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

func (s *flawedStore) Save(ctx context.Context, r store.Record) error {
	if err := r.Check(); err != nil && !s.is("checks no record") {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.compare(r); err != nil {
		return err
	}
	if s.is("compares and writes in two steps") {
		s.pause()
	}
	if err := s.saveAwry(ctx, r); err != nil {
		return err
	}
	if _, ok := s.records[r.ID]; !ok {
		s.born[r.ID] = r
	}
	s.records[r.ID] = s.in(r)
	if !s.is("writes touches late") && !(s.is("keeps the touches of the deleted") && r.Version == 1) {
		delete(s.late, r.ID)
	}
	return s.lateContext(ctx)
}

// saveAwry does what a flawed store does before it writes the record.
func (s *flawedStore) saveAwry(ctx context.Context, r store.Record) error {
	switch {
	case s.is("updates by deleting and inserting") && r.Version > 1:
		delete(s.records, r.ID)
		s.pause()
	case s.is("writes a record in two steps"):
		half := s.in(r)
		half.Owner, half.Expires = s.records[r.ID].Owner, s.records[r.ID].Expires
		s.records[r.ID] = half
		s.pause()
	case s.is("gives up half-way when the context ends") && r.Version > 1:
		half := s.in(r)
		half.Owner = s.records[r.ID].Owner
		s.records[r.ID] = half
		for range 10 {
			s.pause()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	case s.is("reports an ended context as its own failure"):
		for range 10 {
			s.pause()
		}
		if ctx.Err() != nil {
			return errors.New("gave up")
		}
	case s.is("caches without versions"):
		delete(s.stale, r.ID)
	}
	return nil
}

// compare is the condition of Save.
func (s *flawedStore) compare(r store.Record) error {
	old, err := s.live(r.ID)
	exists := err == nil
	switch {
	case s.is("ignores versions"):
		return nil
	case s.is("revives on Save") && !exists:
		return nil
	case s.is("revives the expired on Save") && s.records[r.ID].Version > 0 && !exists:
		return nil
	case s.is("keeps IDs until they are swept") && s.records[r.ID].Version > 0 && !exists:
		return store.ErrConflict
	case s.is("never frees an ID") && r.Version == 1 && s.born[r.ID].Version > 0:
		return store.ErrConflict
	case s.is("takes any later version") && exists && r.Version > old.Version:
		return nil
	case s.is("inserts over what is there") && r.Version == 1:
		return nil
	case r.Version == 1 && exists:
		return store.ErrConflict
	case r.Version > 1 && !exists:
		return store.ErrNotFound
	case r.Version > 1 && old.Version != r.Version-1:
		return store.ErrConflict
	}
	return nil
}

// in makes a record the store's own.
func (s *flawedStore) in(r store.Record) store.Record {
	switch {
	case s.is("keeps the caller's bytes"):
		return r
	case s.is("writes into the caller's bytes"):
		kept := copied(r)
		clear(r.Data)
		return kept
	case s.is("cuts large data") && len(r.Data) > 1<<16:
		r.Data = r.Data[:1<<16]
	case s.is("cuts zeros off") && len(r.Data) > 0 && r.Data[0] == 0:
		r.Data = nil
	case s.is("rounds to seconds"):
		r.Expires = r.Expires.Truncate(time.Second)
	case s.is("rounds up") && !r.Expires.IsZero():
		r.Expires = r.Expires.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	case s.is("cuts owners at NUL"):
		r.Owner, _, _ = strings.Cut(r.Owner, "\x00")
	case s.is("cuts owners at 255 bytes"):
		r.Owner = r.Owner[:min(len(r.Owner), 255)]
	case s.is("keeps the first owner") && s.records[r.ID].Version > 0:
		r.Owner = s.records[r.ID].Owner
	}
	return copied(r)
}
