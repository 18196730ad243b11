package bolt

import (
	"context"
	"fmt"

	"github.com/gimlet-go/gimlet/store"
)

// Save implements [store.Store]. A record of more than 64 MiB is too large. A
// damaged record is not overwritten: Save reports it, and [Store.Delete]
// removes it.
func (s *Store) Save(ctx context.Context, r store.Record) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := r.Check(); err != nil {
		return err
	}
	if len(r.Data) > maxData {
		return fmt.Errorf("bolt: save %s: %d bytes: %w", r.ID, len(r.Data), store.ErrTooLarge)
	}
	return s.submit(ctx, &request{change: &saveChange{
		id:      r.ID,
		version: r.Version,
		expires: millis(r.Expires),
		draft:   newDraft(r.Owner, r.Data),
	}})
}

type saveChange struct {
	id      store.ID
	version uint64
	expires int64
	draft   draft // a copy: the caller may alter its bytes once Save has returned
}

func (c *saveChange) key() store.ID { return c.id }
func (c *saveChange) size() int     { return len(c.draft.buf) }

func (c *saveChange) apply(t *txn) error {
	old, err := t.find(c.id)
	if err != nil {
		return err
	}
	live := old != nil && !expired(old.ends, t.now)
	switch {
	case c.version == 1 && live:
		return store.ErrConflict
	case c.version > 1 && !live:
		return store.ErrNotFound
	case c.version > 1 && old.version != c.version-1:
		return store.ErrConflict
	}
	var before *record
	if old != nil {
		before = &old.record
	}
	return t.put(c.id, before, c.draft, c.version, c.expires, lazyIndex(before, c.expires))
}

// Delete implements [store.Store]. It also removes a damaged record.
func (s *Store) Delete(ctx context.Context, id store.ID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.submit(ctx, &request{change: deleteChange{id}})
}

type deleteChange struct{ id store.ID }

func (c deleteChange) key() store.ID { return c.id }
func (c deleteChange) size() int     { return idSize }

func (c deleteChange) apply(t *txn) error {
	b := t.records.Get(c.id[:])
	if b == nil {
		return nil
	}
	// The error does not matter: what cannot be read is removed all the same.
	r, _ := decodeRecord(c.id, b)
	return t.remove(c.id, &r)
}

// post hands a change to the writer that nobody waits for, if there is room in the queue.
func (s *Store) post(c change) {
	select {
	case s.queue <- &request{change: c, ctx: context.Background(), done: make(chan error, 1)}:
	default:
	}
}

// tidyChange removes entries of the owner index that lead nowhere.
type tidyChange struct{ keys [][]byte }

func (c tidyChange) key() store.ID { return store.ID{} }
func (c tidyChange) size() int     { return 0 }

func (c tidyChange) apply(t *txn) error {
	for _, k := range c.keys {
		if !t.dangling(k) {
			continue
		}
		t.writes++
		if err := t.owners.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
