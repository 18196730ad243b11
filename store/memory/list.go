package memory

import (
	"context"
	"errors"
	"iter"

	"github.com/gimlet-go/gimlet/store"
)

// List implements [store.Store]. It notes the IDs when the loop starts, 16
// bytes for each, and copies every record when its turn comes.
func (s *Store) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		ids, err := s.ids(ctx, owner)
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		for _, id := range ids {
			r, err := s.Load(ctx, id)
			switch {
			case errors.Is(err, store.ErrNotFound):
				continue
			case err != nil:
				yield(store.Record{}, err)
				return
			case owner != "" && r.Owner != owner:
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (s *Store) ids(ctx context.Context, owner string) ([]store.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	if owner == "" {
		ids := make([]store.ID, 0, len(s.records))
		for id := range s.records {
			ids = append(ids, id)
		}
		return ids, nil
	}
	var ids []store.ID
	for n := s.owners[owner]; n != nil; n = n.next {
		ids = append(ids, n.record.ID)
	}
	return ids, nil
}
