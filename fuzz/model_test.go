package fuzz_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A model is what every store is to its callers: a map.
type model map[store.ID]store.Record

func (m model) load(id store.ID) (store.Record, error) {
	r, ok := m[id]
	if !ok || r.Expired(time.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

func (m model) save(r store.Record) error {
	if err := r.Check(); err != nil {
		return store.ErrInvalid
	}
	old, err := m.load(r.ID)
	switch {
	case r.Version == 1 && err == nil:
		return store.ErrConflict
	case r.Version > 1 && err != nil:
		return err
	case r.Version > 1 && old.Version != r.Version-1:
		return store.ErrConflict
	}
	m[r.ID] = r
	return nil
}

func (m model) touch(id store.ID, expires time.Time) error {
	r, err := m.load(id)
	if err == nil {
		r.Expires = expires
		m[id] = r
	}
	return err
}

// list returns the living records of an owner, or all, by ID.
func (m model) list(owner string) (records []store.Record) {
	for id := range m {
		if r, err := m.load(id); err == nil && (owner == "" || owner == r.Owner) {
			records = append(records, r)
		}
	}
	sortByID(records)
	return records
}

// sweep removes what had expired at now, and returns how many that were.
func (m model) sweep(now time.Time) int {
	before := len(m)
	for id, r := range m {
		if r.Expired(now) {
			delete(m, id)
		}
	}
	return before - len(m)
}

func sortByID(records []store.Record) {
	slices.SortFunc(records, func(a, b store.Record) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
}

// differs returns an error unless both are the same.
func differs(want, got store.Record) error {
	switch {
	case want.ID != got.ID, want.Version != got.Version, want.Owner != got.Owner,
		!want.Expires.Equal(got.Expires), string(want.Data) != string(got.Data):
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}
