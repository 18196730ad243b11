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
	q := &struct { // in one allocation
		request
		saveChange
	}{saveChange: saveChange{
		id:      r.ID,
		version: r.Version,
		expires: millis(r.Expires),
		draft:   newDraft(r.Owner, r.Data),
	}}
	q.change = &q.saveChange
	return s.submit(ctx, &q.request)
}

type saveChange struct {
	id      store.ID
	version uint64
	expires int64
	draft   draft // a copy: the caller may alter its bytes once Save has returned
}

func (c *saveChange) key() store.ID { return c.id }
func (c *saveChange) size() int     { return len(c.draft.buf) }

func (c *saveChange) apply(d *decision) error {
	old, err := d.find(c.id)
	if err != nil {
		return err
	}
	live := old != nil && !expired(old.expires, d.now)
	switch {
	case c.version == 1 && live:
		return store.ErrConflict
	case c.version > 1 && !live:
		return store.ErrNotFound
	case c.version > 1 && old.version != c.version-1:
		return store.ErrConflict
	}
	d.stage(c.id, newState(c.version, c.expires, c.draft))
	return nil
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

func (c deleteChange) apply(d *decision) error {
	// What cannot be read is deleted all the same.
	if old, err := d.find(c.id); old != nil || err != nil {
		d.stage(c.id, &state{gone: true})
	}
	return nil
}
