package storetest

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A flawedStore is a store as simple as can be, with one flaw, or none when
// flaw is "". Each flaw is a mistake that somebody could make.
type flawedStore struct {
	flaw string

	mu      sync.Mutex
	closed  bool
	records map[store.ID]store.Record
	born    map[store.ID]store.Record // what was first stored under an ID
	ghosts  []store.Record            // what a sweep forgot in the owner's list
	late    map[store.ID]time.Time    // touches that were not written yet
	stale   map[store.ID]store.Record // a cache without versions
	buffer  []byte                    // a pool of one
	lists   sync.WaitGroup
}

func newFlawed(flaw string) *flawedStore {
	return &flawedStore{
		flaw:    flaw,
		records: make(map[store.ID]store.Record),
		born:    make(map[store.ID]store.Record),
		late:    make(map[store.ID]time.Time),
		stale:   make(map[store.ID]store.Record),
	}
}

func (s *flawedStore) is(flaw string) bool { return s.flaw == flaw }

// enter is the beginning of every call. It returns with the lock held, unless
// it returns an error.
func (s *flawedStore) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil && !s.is("ignores contexts") && !s.is("looks at contexts too late") {
		return err
	}
	s.mu.Lock()
	if s.closed && !s.is("works after Close") {
		if s.is("panics after Close") {
			defer s.mu.Unlock()
			panic("the store is closed")
		}
		s.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

// pause gives the lock away for a moment, where a flawed store thinks that
// nobody else will come in between.
func (s *flawedStore) pause() {
	s.mu.Unlock()
	for range 3 {
		runtime.Gosched()
	}
	s.mu.Lock()
}

// expired reports whether r has expired, as far as the store can tell.
func (s *flawedStore) expired(r store.Record) bool {
	now := time.Now()
	switch {
	case s.is("expires a moment late"):
		now = now.Add(-1)
	case s.is("expires a moment early"):
		now = now.Add(1)
	case s.is("goes by the first expiry"):
		r.Expires = s.born[r.ID].Expires
	case s.is("takes 1970 for never") && r.Expires.Unix() == 0:
		return false
	case s.is("takes the year 1 for never") && r.Expires.Year() == 1:
		return false
	case s.is("counts time in nanoseconds") && !r.Expires.IsZero():
		return now.UnixNano() >= r.Expires.UnixNano()
	case s.is("takes zero for long ago") && r.Expires.IsZero():
		return true
	}
	return r.Expired(now)
}

// live returns the record under id, if it is there and has not expired.
func (s *flawedStore) live(id store.ID) (store.Record, error) {
	r, ok := s.records[id]
	if expires, ok := s.late[id]; ok {
		r.Expires = expires
	}
	if !ok || s.expired(r) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

func (s *flawedStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.enter(ctx); err != nil {
		return store.Record{}, err
	}
	defer s.mu.Unlock()
	if s.is("takes a neighbour for it") {
		for other := range s.records {
			if [15]byte(other[:15]) == [15]byte(id[:15]) {
				id = other
			}
		}
	}
	r, err := s.live(id)
	switch {
	case s.is("loads nothing without an error"):
		return r, nil
	case s.is("loads the expired") && s.records[id].Version > 0:
		r, err = s.records[id], nil
	case s.is("hides reserved IDs") && id.Reserved():
		return store.Record{}, store.ErrNotFound
	case s.is("caches without versions"):
		return s.loadStale(id, r, err)
	}
	if err != nil {
		return store.Record{}, err
	}
	return s.out(r), s.lateContext(ctx)
}

func (s *flawedStore) loadStale(id store.ID, r store.Record, err error) (store.Record, error) {
	if cached, ok := s.stale[id]; ok && !s.expired(cached) {
		return copied(cached), nil
	}
	if err != nil {
		return store.Record{}, err
	}
	s.pause()
	s.stale[id] = r
	return copied(r), nil
}

// out makes a record the caller's own.
func (s *flawedStore) out(r store.Record) store.Record {
	switch {
	case s.is("forgets the owner"):
		r.Owner = ""
	case s.is("shares its bytes with callers of Load"):
		return r
	case s.is("lends a pooled buffer"):
		s.buffer = append(s.buffer[:0], r.Data...)
		r.Data = s.buffer
		return r
	}
	return copied(r)
}

func (s *flawedStore) lateContext(ctx context.Context) error {
	if s.is("looks at contexts too late") {
		return ctx.Err()
	}
	return nil
}

func (s *flawedStore) Delete(ctx context.Context, id store.ID) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, ok := s.records[id]
	switch {
	case !ok && s.is("cannot delete the absent"):
		return store.ErrNotFound
	case ok && s.is("deletes but not from the lists"):
		s.ghosts = append(s.ghosts, r)
	case s.is("caches without versions"):
		delete(s.stale, id)
	}
	delete(s.records, id)
	if !s.is("keeps the touches of the deleted") {
		delete(s.late, id)
	}
	return s.lateContext(ctx)
}

func (s *flawedStore) Close() error {
	if s.is("waits for listings at Close") {
		s.lists.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed && s.is("fails the second Close") {
		return store.ErrClosed
	}
	s.closed = true
	return nil
}
