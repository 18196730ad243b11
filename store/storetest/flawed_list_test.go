package storetest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/gimlet-go/gimlet/store"
)

func (s *flawedStore) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		s.lists.Add(1)
		defer s.lists.Done()
		if s.is("holds its lock in the loop") {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, r := range s.records {
				if !yield(copied(r), nil) {
					return
				}
			}
			return
		}
		if s.is("pages by position") {
			s.listPages(ctx, owner, yield)
			return
		}
		if err := s.enter(ctx); err != nil {
			if !s.is("lists nothing when closed") {
				yield(store.Record{}, err)
			}
			return
		}
		ids := slices.Collect(maps.Keys(s.records))
		ghosts := s.ghosts
		s.mu.Unlock()
		for _, id := range ids {
			if more := s.yieldOne(ctx, owner, id, yield); !more && !s.is("goes on after break") {
				return
			}
		}
		for _, r := range ghosts {
			if owner == "" || r.Owner == owner {
				yield(r, nil)
			}
		}
	}
}

// yieldOne yields one record if it is to be listed, and reports whether the
// listing goes on.
func (s *flawedStore) yieldOne(ctx context.Context, owner string, id store.ID, yield func(store.Record, error) bool) bool {
	err := s.enter(ctx)
	if err != nil {
		if s.is("ends quietly when the context ends") {
			return false
		}
		return yield(store.Record{}, err) && s.is("lists on when the context ends")
	}
	r, err := s.live(id)
	if s.is("lists the expired") {
		r, err = s.records[id], nil
	}
	if s.is("lists by what was first stored") {
		r = s.born[id]
	}
	if !s.is("shares its bytes with callers of List") {
		r = copied(r)
	}
	s.mu.Unlock()
	if err != nil || !s.listed(r.Owner, owner) {
		return true
	}
	return yield(r, nil)
}

func (s *flawedStore) listed(owner, asked string) bool {
	switch {
	case s.is("lists everybody's"):
		return true
	case s.is("lists owners by prefix"):
		return strings.HasPrefix(owner, asked)
	case s.is("folds the case of owners"):
		return asked == "" || strings.EqualFold(owner, asked)
	case s.is("lists nobody's as all") && asked == "":
		return owner == ""
	}
	return asked == "" || owner == asked
}

// listPages counts where it was, instead of remembering.
func (s *flawedStore) listPages(ctx context.Context, owner string, yield func(store.Record, error) bool) {
	for i := 0; ; i++ {
		s.mu.Lock()
		var records []store.Record
		for _, r := range s.records {
			if s.listed(r.Owner, owner) {
				records = append(records, r)
			}
		}
		s.mu.Unlock()
		slices.SortFunc(records, func(a, b store.Record) int { return strings.Compare(a.ID.String(), b.ID.String()) })
		if i >= len(records) || !yield(copied(records[i]), ctx.Err()) {
			return
		}
	}
}
