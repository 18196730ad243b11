package cache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/store"
)

// view is how a hammer reads: through the protocol, or for the negative
// control without it.
type view func(ctx context.Context, id store.ID) (store.Record, error)

// slack is a store that lets other goroutines run at the worst moments:
// between what happens in the inner store and the news of it.
type slack struct{ store.Store }

func (s slack) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r, err := s.Store.Load(ctx, id)
	runtime.Gosched()
	return r, err
}

func (s slack) Save(ctx context.Context, r store.Record) error {
	err := s.Store.Save(ctx, r)
	runtime.Gosched()
	return err
}

func (s slack) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	err := s.Store.Touch(ctx, id, expires)
	runtime.Gosched()
	return err
}

// hammers are the sizes at which the staleness tests run: a few records that
// fit, and many that push each other out all the time.
var hammers = []struct {
	name    string
	bytes   int64
	records int
}{
	{"roomy", size, 24},
	{"tiny", cache.MinBytes, 300},
}

// reads is how many reads a hammer makes, at least.
func reads() int64 {
	if raceEnabled {
		return 40_000
	}
	return 600_000
}

// A target is one record under the hammer.
type target struct {
	id    store.ID
	floor atomic.Int64 // what every read that begins now must show, or more
}

// A hammer is what is done to targets. Its write shows at least n to everybody
// when it has returned nil; its read returns what it shows.
type hammer struct {
	targets []*target
	write   func(x *target, n int64) error
	read    func(x *target) (int64, error)
}

// run has writers and readers at it until it is enough, and returns how many
// reads there were and how many of them were stale: they showed less than the
// floor that stood when they began.
func (h hammer) run(t *testing.T, isEnough func(total, stale int64) bool) (total, stale int64) {
	var made, old atomic.Int64
	var wg sync.WaitGroup
	enough := func() bool { return isEnough(made.Load(), old.Load()) }
	for range 2 {
		wg.Go(func() {
			for !enough() && !t.Failed() {
				x := h.targets[rand.IntN(len(h.targets))]
				n := x.floor.Load() + 1
				switch err := h.write(x, n); {
				case err == nil:
					raise(&x.floor, n)
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("a write of %d: %v", n, err)
				}
				runtime.Gosched()
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for i := 0; !enough() && !t.Failed(); i++ {
				if i%8 == 0 {
					runtime.Gosched() // a read is so short that the writers would never run
				}
				x := h.targets[rand.IntN(len(h.targets))]
				floor := x.floor.Load()
				n, err := h.read(x)
				if err != nil {
					t.Errorf("a read at %d: %v", floor, err)
				}
				if n < floor {
					old.Add(1)
				}
				made.Add(1)
			}
		})
	}
	wg.Wait()
	return made.Load(), old.Load()
}

// raise makes floor at least n.
func raise(floor *atomic.Int64, n int64) {
	for {
		old := floor.Load()
		if old >= n || floor.CompareAndSwap(old, n) {
			return
		}
	}
}

func newTargets(t *testing.T, s *cache.Store, n int) []*target {
	targets := make([]*target, n)
	for i := range targets {
		r := newRecord()
		r.Data = make([]byte, 500)
		targets[i] = &target{id: r.ID}
		targets[i].floor.Store(1)
		require.NoError(t, s.SaveShared(t.Context(), r))
	}
	return targets
}
