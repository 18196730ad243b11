package fuzz_test

import (
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A spy notes for which records a store is called. Those that managers keep
// for themselves are not noted: they are looked at by the clock.
type spy struct {
	store.Store
	asked []store.ID
}

func (s *spy) note(id store.ID) {
	if !id.Reserved() || id == (store.ID{}) {
		s.asked = append(s.asked, id)
	}
}

// take returns what was noted since the last take.
func (s *spy) take() []store.ID {
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *spy) Load(ctx context.Context, id store.ID) (store.Record, error) {
	s.note(id)
	return s.Store.Load(ctx, id)
}

func (s *spy) Save(ctx context.Context, r store.Record) error {
	s.note(r.ID)
	return s.Store.Save(ctx, r)
}

func (s *spy) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	s.note(id)
	return s.Store.Touch(ctx, id, expires)
}

func (s *spy) Delete(ctx context.Context, id store.ID) error {
	s.note(id)
	return s.Store.Delete(ctx, id)
}
