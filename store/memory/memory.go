// Package memory is a store that keeps its records in the memory of the
// process.
//
// It fulfils the contract of package store but for one promise: nothing is
// durable. What Save has accepted is gone when the process ends, whether it
// is stopped, crashes or is deployed anew; and everybody is logged out. Use
// it in tests, and where losing all sessions at every restart is acceptable.
// Everywhere else use package bolt, which needs no more setting up than a
// file name.
//
// Nothing bounds the memory but the sessions themselves: an expired record is
// freed by the next Sweep, which the session manager runs by itself. Dropping
// living records to make room would log people out, so the store never does.
package memory

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A Store keeps records in memory. It is made by [New], and may be used by
// several goroutines at once.
//
// Save, Touch and Delete cost the logarithm of the number of records that
// expire, and Load costs no more than its copy. Sweep and List follow what
// they remove and yield. Expiry times are kept to the nanosecond, by the
// wall clock.
type Store struct {
	mu      sync.RWMutex
	closed  bool
	records map[store.ID]*node
	owners  map[string]*node // the head of each owner's chain
	expiry  expiryHeap
}

var _ store.Store = (*Store)(nil)

// A node holds one record and its places in the indexes. The bytes of
// record.Data are never written again once they are here, only replaced, so
// they may be copied after the lock was given back.
type node struct {
	record     store.Record
	prev, next *node // in the owner's chain
	place      int   // in the expiry heap, or outside
}

// New returns an empty store.
func New() *Store {
	return &Store{
		records: make(map[store.ID]*node),
		owners:  make(map[string]*node),
	}
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	r, err := s.peek(id)
	if err != nil {
		return store.Record{}, err
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// peek returns a live record with the store's own bytes in it.
func (s *Store) peek(id store.ID) (store.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return store.Record{}, store.ErrClosed
	}
	n := s.live(id)
	if n == nil {
		return store.Record{}, store.ErrNotFound
	}
	return n.record, nil
}

// live returns the node of a record that has not expired, or nil. The clock
// is read here, under the lock: were it read before, a call that waited for
// the lock could revive a record that another call has seen expire.
func (s *Store) live(id store.ID) *node {
	n := s.records[id]
	if n == nil || n.record.Expired(time.Now()) {
		return nil
	}
	return n
}

// Save implements [store.Store], but for durability: the record lives as long
// as the process.
func (s *Store) Save(ctx context.Context, r store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Check(); err != nil {
		return err
	}
	r.Data = bytes.Clone(r.Data)
	r.Expires = wall(r.Expires)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	n := s.live(r.ID)
	switch {
	case r.Version == 1 && n != nil:
		return store.ErrConflict
	case r.Version > 1 && n == nil:
		return store.ErrNotFound
	case r.Version > 1 && n.record.Version != r.Version-1:
		return store.ErrConflict
	}
	s.put(r)
	return nil
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	n := s.live(id)
	if n == nil {
		return store.ErrNotFound
	}
	n.record.Expires = wall(expires)
	s.expiry.place(n)
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, id store.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	if n := s.records[id]; n != nil {
		s.remove(n)
	}
	return nil
}

// Close implements [store.Store]. It frees the records.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.records, s.owners, s.expiry = nil, nil, nil
	return nil
}

// wall drops the monotonic reading, which stands still while some systems
// sleep: a record that came back from a file would not have one either.
func wall(t time.Time) time.Time {
	return t.Round(0)
}
