package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzStores does the same things to three stores and to a map: bolt, memory,
// and cache over compress over bolt. After each step all of them agree, in what
// a call returns and in what is there. At the end everything is deleted, and
// then nothing is left in the file, in no index either.
func FuzzStores(f *testing.F) {
	for _, seed := range storeSeeds() {
		f.Add(seed)
	}
	db := openBolt(f)
	f.Fuzz(func(t *testing.T, steps []byte) {
		empty(t, db)
		plain, err := bolt.New(db, bolt.WithPrefix("plain"))
		require.NoError(t, err)
		stack := openStack(t, db)
		w := walk{
			steps:  steps[:min(len(steps), 256)],
			now:    time.Now().Truncate(time.Millisecond),
			model:  model{},
			stores: map[string]store.Store{"bolt": plain, "memory": memory.New(), "stack": stack},
			reopen: func() (store.Store, error) { return bolt.New(db, bolt.WithPrefix("plain")) },
		}
		require.NoError(t, w.run(t.Context()))
		require.NoError(t, errors.Join(w.stores["bolt"].Close(), stack.Close()))
		for _, prefix := range []string{"plain", "stack"} {
			require.Empty(t, leftIn(t, db, prefix), "left in the file")
		}
	})
}

func openStack(t testing.TB, db *bbolt.DB) store.Store {
	t.Helper()
	inner, err := bolt.New(db, bolt.WithPrefix("stack"))
	require.NoError(t, err)
	packing, err := compress.New(inner, compress.WithMinSize(16))
	require.NoError(t, err)
	s, err := cache.New(packing, 1<<20)
	require.NoError(t, err)
	return s
}

// leftIn returns the keys in the buckets of a store.
func leftIn(t *testing.T, db *bbolt.DB, prefix string) (keys []string) {
	t.Helper()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		for _, name := range []string{".records", ".expiry", ".owners"} {
			err := tx.Bucket([]byte(prefix + name)).ForEach(func(k, _ []byte) error {
				keys = append(keys, fmt.Sprintf("%s %x", name, k))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return keys
}

// The few records and owners of a walk; every other ID is reserved.
var (
	walkIDs    = []store.ID{{15: 1}, {0: 1, 15: 2}, {15: 3}, {0: 1, 15: 4}, {0: 0xff, 15: 5}, {}}
	walkOwners = []string{"", "a", "a\x00", "b", string(make([]byte, store.MaxOwner)), string(make([]byte, store.MaxOwner+1))}
)

// A walk does the steps of its input.
type walk struct {
	steps  []byte
	now    time.Time
	model  model
	stores map[string]store.Store
	reopen func() (store.Store, error) // of the store "bolt", after its Close
}

// next returns the next byte of the input, 0 at its end.
func (w *walk) next() byte {
	if len(w.steps) == 0 {
		return 0
	}
	c := w.steps[0]
	w.steps = w.steps[1:]
	return c
}

func pick[T any](from []T, by byte) T { return from[int(by)%len(from)] }

// expires is so far off that the time that a walk takes does not matter.
func (w *walk) expires(by byte) time.Time {
	if by%8 == 0 {
		return time.Time{}
	}
	return w.now.Add(pick([]time.Duration{
		time.Hour, 2 * time.Hour, 100 * 365 * 24 * time.Hour, -time.Minute, -time.Hour, -50 * 365 * 24 * time.Hour, 90 * time.Minute,
	}, by%8-1))
}

func (w *walk) run(ctx context.Context) error {
	for n := 0; len(w.steps) > 0; n++ {
		did, err := w.step(ctx)
		if err == nil {
			err = w.compareAll(ctx)
		}
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", n, did, err)
		}
	}
	for _, id := range walkIDs {
		if _, err := w.delete(ctx, id); err != nil {
			return err
		}
	}
	return w.compareAll(ctx)
}

// step does the next step and says which it was.
func (w *walk) step(ctx context.Context) (did string, err error) {
	what, id := w.next(), pick(walkIDs, w.next())
	switch what % 8 {
	case 0, 1, 2:
		return w.save(ctx, id)
	case 3:
		expires := w.expires(w.next())
		want := w.model.touch(id, expires)
		return fmt.Sprintf("touch %v to %v", id, expires), w.each(func(s store.Store) error {
			return agree(s.Touch(ctx, id, expires), want)
		})
	case 4:
		return w.delete(ctx, id)
	case 5:
		return w.sweep(ctx)
	case 6:
		return "restart", w.restart()
	default:
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return "a call that is over before it begins", w.each(func(s store.Store) error {
			return errors.Join(
				agree(s.Delete(stopped, id), context.Canceled),
				agree(s.Touch(stopped, id, w.now.Add(-time.Hour)), context.Canceled),
			)
		})
	}
}

// each does something to each store.
func (w *walk) each(do func(s store.Store) error) error {
	var errs []error
	for name, s := range w.stores {
		if err := do(s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// save stores a version, most often the one that can be.
func (w *walk) save(ctx context.Context, id store.ID) (string, error) {
	r := store.Record{ID: id, Version: 1, Expires: w.expires(w.next()), Owner: pick(walkOwners, w.next())}
	if old, err := w.model.load(id); err == nil {
		r.Version = old.Version + 1
	}
	if by := w.next(); by%4 == 3 {
		r.Version = uint64(by / 4 % 4)
	}
	r.Data = bytes.Repeat([]byte{w.next()}, 3*int(w.next()))
	want := w.model.save(r)
	return fmt.Sprintf("save %+v", r), w.each(func(s store.Store) error {
		given := r
		given.Data = slices.Clone(r.Data)
		err := s.Save(ctx, given)
		clear(given.Data) // the caller's own again
		return agree(err, want)
	})
}

func (w *walk) delete(ctx context.Context, id store.ID) (string, error) {
	delete(w.model, id)
	return fmt.Sprintf("delete %v", id), w.each(func(s store.Store) error { return s.Delete(ctx, id) })
}

// sweep removes what had expired some time ago, in steps: which records a
// limited sweep takes first is the store's choice.
func (w *walk) sweep(ctx context.Context) (string, error) {
	now := w.now.Add(-pick([]time.Duration{0, 30 * time.Minute, 24 * time.Hour}, w.next()))
	limit := int(w.next() % 4)
	all := 0
	if limit > 0 {
		all = w.model.sweep(now)
	}
	return fmt.Sprintf("sweep %d at %v", limit, now), w.each(func(s store.Store) error {
		for left := all; ; left -= limit {
			n, err := s.Sweep(ctx, now, limit)
			if err != nil || n != min(left, limit) {
				return fmt.Errorf("swept %d of %d, with a limit of %d: %w", n, left, limit, err)
			}
			if n < limit || limit == 0 {
				return nil
			}
		}
	})
}

func (w *walk) restart() error {
	err := w.stores["bolt"].Close()
	if err != nil {
		return err
	}
	w.stores["bolt"], err = w.reopen()
	return err
}

// compareAll compares what is there.
func (w *walk) compareAll(ctx context.Context) error {
	return w.each(func(s store.Store) error {
		var errs []error
		for _, id := range walkIDs {
			want, wantErr := w.model.load(id)
			got, err := s.Load(ctx, id)
			errs = append(errs, agree(err, wantErr), differs(want, got))
			clear(got.Data) // the caller's own
		}
		for _, owner := range walkOwners {
			errs = append(errs, compareList(ctx, s, owner, w.model.list(owner)))
		}
		return errors.Join(errs...)
	})
}

func compareList(ctx context.Context, s store.Store, owner string, want []store.Record) error {
	var got []store.Record
	for r, err := range s.List(ctx, owner) {
		if err != nil {
			return err
		}
		got = append(got, r)
	}
	sortByID(got)
	if len(want) != len(got) {
		return fmt.Errorf("list %q: %d records, want %d", owner, len(got), len(want))
	}
	for i := range want {
		if err := differs(want[i], got[i]); err != nil {
			return fmt.Errorf("list %q: %w", owner, err)
		}
	}
	return nil
}

// agree returns an error unless got is the sentinel that want is.
func agree(got, want error) error {
	if errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("the error is %v, want %v", got, want)
}
