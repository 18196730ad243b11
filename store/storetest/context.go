package storetest

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var contextCases = []testCase{{
	name: "Context/done before",
	rule: "A call whose context is done before it starts returns ctx.Err() and has no effect.",
	run:  contextDoneBefore,
}, {
	name: "Context/ends while listing",
	rule: "An ended context ends the listing with its error.",
	run:  contextEndsListing,
}, {
	name: "Context/ends while saving",
	rule: "A call whose context ends while it runs fails with an error that wraps ctx.Err(); a write took effect whole or not at all.",
	run:  contextEndsSaving,
}}

func contextDoneBefore(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	expired := newRecord("alice", "expired")
	expired.Expires = in(-time.Minute)
	save(t, s, r, expired)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		for name, err := range callEvery(ctx, s, r) {
			require.ErrorIs(t, err, ctx.Err(), name)
		}
		for range s.List(ctx, "alice") {
			break // leaving at the error is fine
		}
	}
	holds(t, s, r)
	lists(t, s, "", r)
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n, "swept: the record that the ended context kept")
}

// callEvery calls every method but Close in every way that would change
// something about r, which is stored, and returns the errors by call.
func callEvery(ctx context.Context, s store.Store, r store.Record) map[string]error {
	_, loaded := s.Load(ctx, r.ID)
	_, missed := s.Load(ctx, store.NewID(time.Now()))
	n, swept := s.Sweep(ctx, time.Now(), 10)
	if n != 0 {
		swept = fmt.Errorf("removed %d", n)
	}
	_, unswept := s.Sweep(ctx, time.Now(), 0)
	return map[string]error{
		"Load":                loaded,
		"Load, missing":       missed,
		"Save, insert":        s.Save(ctx, newRecord("alice", "inserted")),
		"Save, update":        s.Save(ctx, next(r, "updated")),
		"Touch":               s.Touch(ctx, r.ID, in(48*time.Hour)),
		"Touch, missing":      s.Touch(ctx, store.NewID(time.Now()), time.Time{}),
		"Delete":              s.Delete(ctx, r.ID),
		"Delete, missing":     s.Delete(ctx, store.NewID(time.Now())),
		"Sweep":               swept,
		"Sweep, limit 0":      unswept,
		"List, one owner":     onlyError(ctx, s, "alice"),
		"List, all":           onlyError(ctx, s, ""),
		"List, unknown owner": onlyError(ctx, s, "nobody"),
	}
}

// onlyError returns the error that List yields, if that is all it yields.
func onlyError(ctx context.Context, s store.Store, owner string) error {
	var errs []error
	for r, err := range s.List(ctx, owner) {
		if err == nil {
			return fmt.Errorf("yielded %v", r.ID)
		}
		errs = append(errs, err)
	}
	if len(errs) != 1 {
		return fmt.Errorf("yielded %d errors instead of one", len(errs))
	}
	return errs[0]
}

func contextEndsListing(t tester, open func() store.Store) {
	s := open()
	save(t, s, newRecords(50, "alice")...)
	for _, owner := range []string{"alice", ""} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		yielded := 0
		var last error
		for _, err := range s.List(ctx, owner) {
			yielded++
			last = err
			if yielded == 3 {
				cancel()
			}
		}
		require.ErrorIs(t, last, context.Canceled, "list %q", owner)
		require.Equal(t, 4, yielded, "list %q: yielded 3 records, then the error", owner)
	}
}

func contextEndsSaving(t tester, open func() store.Store) {
	s := open()
	const rounds = 40
	before, after := newRecords(rounds, "alice"), make([]store.Record, rounds)
	save(t, s, before...)
	for i, r := range before {
		after[i] = next(r, "saved")
		after[i].Owner = "bob"
		ctx, cancel := context.WithCancel(t.Context())
		var saved error
		err := together(2, func(worker int) error {
			if worker == 0 {
				saved = s.Save(ctx, after[i])
				return nil
			}
			defer cancel()
			for range 8 * i {
				if _, err := s.Load(t.Context(), r.ID); err != nil {
					return err
				}
				runtime.Gosched()
			}
			return nil
		})
		require.NoError(t, err)
		if saved == nil {
			holds(t, s, after[i])
			before[i] = after[i]
		} else {
			require.ErrorIs(t, saved, context.Canceled)
		}
	}
	// What was given up may have been written later, but whole.
	for i := range before {
		got, err := s.Load(t.Context(), before[i].ID)
		require.NoError(t, err)
		if !same(before[i], got) {
			require.NoError(t, differs(after[i], got))
		}
	}
}
