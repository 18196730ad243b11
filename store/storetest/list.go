package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var listCases = []testCase{{
	name: "List/break",
	rule: "A loop may end early; the store then works as before.",
	run:  listBreak,
}, {
	name: "List/any method in the loop",
	rule: "No lock or transaction is held while the loop body runs, so the body may call any method.",
	run:  listAnyMethod,
}, {
	name: "List/Close in the loop",
	rule: "The loop body may call any method, Close as well; the listing then ends, or ends with ErrClosed.",
	run:  listCloseInLoop,
}, {
	name: "List/what changes meanwhile",
	rule: "List is not a snapshot, but none is yielded twice, and every record that was there from start to end is yielded.",
	run:  listMeanwhile,
}}

func listBreak(t tester, open func() store.Store) {
	s := open()
	records := newRecords(100, "alice")
	save(t, s, records...)
	for _, owner := range []string{"alice", ""} {
		for stop := range 3 {
			n := 0
			for _, err := range s.List(t.Context(), owner) {
				require.NoError(t, err)
				if n == stop {
					break
				}
				n++
			}
			require.Equal(t, stop, n)
		}
	}
	save(t, s, newRecord("bob", "after"))
	lists(t, s, "alice", records...)
}

func listAnyMethod(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	save(t, s, records...)
	for _, owner := range []string{"alice", ""} {
		seen := 0
		err := within(func() error {
			for r, err := range s.List(t.Context(), owner) {
				if err != nil {
					return err
				}
				if r.Owner == "alice" {
					seen++
				}
				if err := everyMethod(t, s, r); err != nil {
					return fmt.Errorf("in the loop: %w", err)
				}
			}
			return nil
		})
		require.NoError(t, err, "list %q", owner)
		require.Equal(t, len(records), seen, "list %q", owner)
	}
}

// everyMethod calls every method of s but Close. It leaves r a version on.
func everyMethod(t tester, s store.Store, r store.Record) error {
	loaded, err := s.Load(t.Context(), r.ID)
	if err != nil {
		return err
	}
	other := newRecord("bob", "in the loop")
	_, swept := s.Sweep(t.Context(), time.Now(), 10)
	_, listed := list(t.Context(), s, r.Owner)
	return errors.Join(
		s.Touch(t.Context(), r.ID, in(2*time.Hour)),
		s.Save(t.Context(), next(loaded, "saved in the loop")),
		s.Save(t.Context(), other),
		s.Delete(t.Context(), other.ID),
		swept,
		listed,
	)
}

func listCloseInLoop(t tester, open func() store.Store) {
	for _, owner := range []string{"alice", ""} {
		s := open()
		save(t, s, newRecords(20, "alice")...)
		err := within(func() error {
			for _, err := range s.List(t.Context(), owner) {
				if errors.Is(err, store.ErrClosed) {
					return nil
				}
				if err := errors.Join(err, s.Close()); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err, "list %q", owner)
	}
}

func listMeanwhile(t tester, open func() store.Store) {
	s := open()
	stable := newRecords(150, "alice")
	save(t, s, stable...)
	listing := make(chan struct{})
	err := together(4, func(i int) error {
		switch i {
		case 0:
			defer close(listing)
			return listOften(t, s, stable)
		case 1:
			return until(listing, func() error { return comeAndGo(t.Context(), s) })
		default:
			r := stable[i]
			return until(listing, func() error {
				r = next(r, "changed")
				r.Expires = r.Expires.Add(time.Second)
				return s.Save(t.Context(), r)
			})
		}
	})
	require.NoError(t, err)
}

// listOften lists while others write, and checks that each stable record is
// yielded once.
func listOften(t tester, s store.Store, stable []store.Record) error {
	for round := range 8 {
		owner := [2]string{"alice", ""}[round%2]
		times := make(map[store.ID]int)
		for r, err := range s.List(t.Context(), owner) {
			if err != nil {
				return fmt.Errorf("list %q: %w", owner, err)
			}
			if owner != "" && r.Owner != owner {
				return fmt.Errorf("list %q yielded a record of %q", owner, r.Owner)
			}
			if times[r.ID]++; times[r.ID] > 1 {
				return fmt.Errorf("list %q yielded %v twice", owner, r.ID)
			}
			runtime.Gosched()
		}
		for _, r := range stable {
			if times[r.ID] == 0 {
				return fmt.Errorf("list %q did not yield %v, which was there throughout", owner, r.ID)
			}
		}
	}
	return nil
}

// comeAndGo inserts a record, moves it to alice and away, and deletes it.
func comeAndGo(ctx context.Context, s store.Store) error {
	r := newRecord("bob", "comes")
	r.ID = store.NewID(time.Now().Add(rand.N(2*time.Hour) - time.Hour)) // before the others, or behind
	for _, owner := range []string{"bob", "alice", "bob", "alice", ""} {
		r.Owner = owner
		if err := s.Save(ctx, r); err != nil {
			return fmt.Errorf("save %v: %w", r.ID, err)
		}
		r = next(r, "moves")
	}
	return s.Delete(ctx, r.ID)
}
