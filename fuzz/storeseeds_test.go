package fuzz_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// storeSeeds are the lives of one record, of several, and random ones.
func storeSeeds() [][]byte {
	save := func(id, expires, owner, version byte) []byte { return []byte{0, id, expires, owner, version, 7, 100} }
	touch := func(id, expires byte) []byte { return []byte{3, id, expires} }
	remove := func(id byte) []byte { return []byte{4, id} }
	sweep := func(ago, limit byte) []byte { return []byte{5, 0, ago, limit} }
	restart := []byte{6, 0}
	over := []byte{7, 0}
	seeds := [][]byte{
		nil,
		slices.Concat(save(0, 1, 1, 0), save(0, 2, 3, 0), touch(0, 3), restart, remove(0), save(0, 1, 1, 0)),
		slices.Concat(save(0, 1, 1, 0), touch(0, 4), save(0, 1, 2, 0), sweep(0, 1), sweep(0, 1)),
		slices.Concat(save(1, 1, 1, 0), touch(1, 5), restart, sweep(1, 2), sweep(0, 2)),
		slices.Concat(save(1, 4, 1, 0), save(2, 5, 2, 0), save(3, 6, 3, 0), sweep(2, 1), sweep(1, 1), sweep(0, 1)),
		slices.Concat(save(1, 1, 1, 0), touch(1, 4), touch(1, 1), restart, touch(1, 2), sweep(0, 3)),
		slices.Concat(save(4, 0, 4, 0), touch(4, 1), touch(4, 0), restart, touch(4, 5), sweep(0, 3)),
		slices.Concat(save(5, 1, 1, 0), save(0, 1, 5, 0), save(0, 1, 1, 3), save(0, 1, 1, 11), over),
		slices.Concat(save(0, 1, 1, 0), save(0, 1, 1, 7), save(0, 1, 1, 11), save(0, 1, 1, 15), over, sweep(0, 0)),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		seed := make([]byte, 120)
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// A flawed store does one thing wrong.
type flawed struct {
	store.Store
	save   func(s store.Store, r store.Record) store.Record
	touch  func(t time.Time) time.Time
	delete bool // Delete is forgotten
	owner  bool // List mistakes owners for one that begins like it
}

func (f flawed) Save(ctx context.Context, r store.Record) error {
	if f.save != nil {
		r = f.save(f.Store, r)
	}
	return f.Store.Save(ctx, r)
}

func (f flawed) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if f.touch != nil {
		expires = f.touch(expires)
	}
	return f.Store.Touch(ctx, id, expires)
}

func (f flawed) Delete(ctx context.Context, id store.ID) error {
	if f.delete && ctx.Err() == nil {
		return nil
	}
	return f.Store.Delete(ctx, id)
}

func (f flawed) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	if f.owner && owner == "a" {
		owner = "a\x00"
	}
	return f.Store.List(ctx, owner)
}

// The seeds alone find stores that are wrong.
func TestStoreSeeds_findFlaws(t *testing.T) {
	for name, flaw := range map[string]flawed{
		"saves any version": {save: func(s store.Store, r store.Record) store.Record {
			if old, err := s.Load(context.Background(), r.ID); err == nil {
				r.Version = old.Version + 1
			}
			return r
		}},
		"forgets the owner":        {save: func(_ store.Store, r store.Record) store.Record { r.Owner = ""; return r }},
		"rounds to seconds":        {touch: func(t time.Time) time.Time { return t.Truncate(time.Second) }},
		"never touches back":       {touch: func(t time.Time) time.Time { return t.Add(2 * time.Hour) }},
		"forgets to delete":        {delete: true},
		"mistakes one for another": {owner: true},
	} {
		var found error
		for _, seed := range storeSeeds() {
			flaw.Store = memory.New()
			w := walk{
				steps: seed, now: time.Now().Truncate(time.Second).Add(time.Millisecond), model: model{},
				stores: map[string]store.Store{"bolt": flaw},
				reopen: func() (store.Store, error) { return flaw, nil },
			}
			if found = w.run(t.Context()); found != nil {
				break
			}
		}
		require.Error(t, found, name)
	}
}
