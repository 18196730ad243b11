package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// blowOnStore has a store used, closed after some time, and looked at.
func blowOnStore(g *gale, a *aftermath, after time.Duration) error {
	opts := []bolt.Option{bolt.WithTouchInterval(time.Hour), bolt.WithJournal(1 << 20)}
	if rand.IntN(2) == 0 {
		opts[1] = bolt.WithJournal(0)
	}
	s := bolt.Open(g.path, opts...)
	if s.Err() != nil {
		return s.Err()
	}
	u := &storeUse{store: s, ctx: context.Background(), expected: expectNothing(), touched: map[store.ID]time.Time{}}
	shared := u.begin("shared")
	calls := []func() error{u.list, u.sweep, u.backup, u.compact, u.keep(u.begin("touched"))}
	for i := range 3 {
		calls = append(calls, u.change(fmt.Sprint("owner ", i)), u.compete(shared.ID))
	}
	if shared.Version == 0 {
		return errors.New("nothing can be saved")
	}
	g.blow(a, after, s.Close, calls)
	a.Changes += u.expected.changes
	return u.judge(g)
}

// A storeUse is all that goroutines do to a store, and what they were told.
type storeUse struct {
	store *bolt.Store
	ctx   context.Context

	mu       sync.Mutex
	expected *expectation
	touched  map[store.ID]time.Time
}

func (u *storeUse) note(format string, args ...any) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.expected.read(fmt.Sprintf(format, args...))
}

// begin returns a record that is there.
func (u *storeUse) begin(owner string) store.Record {
	r := store.Record{ID: store.NewID(time.Now()), Owner: owner, Expires: rig.FarAway}
	if u.save(&r) != nil {
		r.Version = 0
	}
	return r
}

func (u *storeUse) save(r *store.Record) error {
	next := *r
	next.Version++
	next.Data = rig.Content(r.ID, next.Version, 800)
	if err := u.store.Save(u.ctx, next); err != nil {
		return err
	}
	*r = next
	return u.note("saved %s %d", r.ID, r.Version)
}

// change begins a record, saves, loads and deletes it, one step each time.
func (u *storeUse) change(owner string) func() error {
	var r store.Record
	return func() error {
		switch {
		case r.Version == 0:
			r = store.Record{ID: store.NewID(time.Now()), Owner: owner, Expires: rig.FarAway}
			return u.save(&r)
		case r.Version < 4:
			if _, err := u.store.Load(u.ctx, r.ID); err != nil {
				return err
			}
			return u.save(&r)
		case rand.IntN(2) == 0:
			r = store.Record{}
			return u.store.Delete(u.ctx, store.ID{1}) // that is not there
		}
		id := r.ID
		r = store.Record{}
		if err := u.note("deleting %s", id); err != nil {
			return err
		}
		if err := u.store.Delete(u.ctx, id); err != nil {
			return err
		}
		return u.note("deleted %s", id)
	}
}

// compete saves a record that others save as well.
func (u *storeUse) compete(id store.ID) func() error {
	return func() error {
		r, err := u.store.Load(u.ctx, id)
		if err != nil {
			return err
		}
		if err := u.save(&r); !errors.Is(err, store.ErrConflict) {
			return err
		}
		return nil
	}
}

// keep moves the expiry of a record.
func (u *storeUse) keep(r store.Record) func() error {
	return func() error {
		r.Expires = r.Expires.Add(time.Second)
		if err := u.store.Touch(u.ctx, r.ID, r.Expires); err != nil {
			return err
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.touched[r.ID] = r.Expires
		return nil
	}
}

func (u *storeUse) list() error {
	for _, owner := range []string{"owner 1", ""} {
		for _, err := range u.store.List(u.ctx, owner) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *storeUse) sweep() error {
	old := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: time.Now().Add(-time.Hour)}
	if err := u.store.Save(u.ctx, old); err != nil {
		return err
	}
	_, err := u.store.Sweep(u.ctx, time.Now(), 10)
	return err
}

func (u *storeUse) backup() error {
	_, err := u.store.Backup(io.Discard)
	return err
}

func (u *storeUse) compact() error { return u.store.Compact(u.ctx) }

// judge opens what is left and compares it with what was acknowledged.
func (u *storeUse) judge(g *gale) error {
	s, err := g.reopened()
	if err != nil {
		return err
	}
	var records []found
	for r, err := range s.List(u.ctx, "") {
		if err != nil {
			return err
		}
		records = append(records, found{ID: r.ID, Version: r.Version})
		if at, ok := u.touched[r.ID]; ok && r.Expires.Before(at) {
			g.report("record %s expires %v: the touch was acknowledged that moved it to %v", r.ID, r.Expires, at)
		}
	}
	if problem := u.expected.judge(records); problem != "" {
		g.report("%s", problem)
	}
	return s.Close()
}
