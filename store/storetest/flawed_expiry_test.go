package storetest

import (
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

func (s *flawedStore) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	early := time.Now()
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, err := s.live(id)
	switch {
	case s.is("touches by an old clock and sweeps in two steps"):
		s.pause()
		if r = s.records[id]; r.Version == 0 || r.Expired(early) {
			return store.ErrNotFound
		}
		err = nil
	case s.is("revives on Touch") && err != nil:
		r, err = store.Record{ID: id, Version: 1}, nil
	case s.is("revives the expired on Touch") && s.records[id].Version > 0:
		r, err = s.records[id], nil
	case s.is("touches in two steps"):
		s.pause()
	}
	if err != nil {
		return err
	}
	if s.is("counts touches as versions") {
		r.Version++
	}
	if s.is("writes touches late") || s.is("keeps the touches of the deleted") {
		s.late[id] = expires
		return nil
	}
	if s.is("shows touches late") {
		return nil
	}
	if s.is("never shortens a life") && !expires.IsZero() && expires.Before(r.Expires) {
		return nil
	}
	r.Expires = expires
	s.records[id] = s.in(r)
	delete(s.stale, id)
	return s.lateContext(ctx)
}

func (s *flawedStore) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	switch {
	case s.is("sweeps by its own clock"):
		now = time.Now()
	case s.is("sweeps without limit"), s.is("takes limit 0 for none") && limit < 1:
		limit = len(s.records)
	}
	var found []store.ID
	counted := 0
	for id, r := range s.records {
		if counted >= limit {
			break
		}
		if expires, ok := s.late[id]; ok {
			r.Expires = expires
		}
		if s.is("sweeps by the first expiry") {
			r.Expires = s.born[id].Expires
		}
		if s.is("counts what it only looked at") && s.born[id].Expired(now) {
			counted++
		}
		if r.Expired(now) || s.is("sweeps the living") {
			found = append(found, id)
			counted = max(counted, len(found))
		}
	}
	if s.is("touches by an old clock and sweeps in two steps") || s.is("sweeps in two steps") {
		s.pause()
	}
	for _, id := range found {
		if s.is("sweeps but not from the lists") {
			s.ghosts = append(s.ghosts, s.records[id])
		}
		delete(s.records, id)
	}
	if s.is("counts what it only looked at") {
		return counted, nil
	}
	return len(found), s.lateContext(ctx)
}
