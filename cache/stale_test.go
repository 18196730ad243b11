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
	"github.com/gimlet-go/gimlet/store/memory"
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

// hammer runs writers and readers over targets until there were enough reads,
// and returns how many of them were stale: they showed less than the floor
// that stood when they began. write does a write that shows at least n when it
// has returned nil; read returns what a read shows.
func hammer(t *testing.T, targets []*target, write func(x *target, n int64) error, read func(x *target) (int64, error)) (total, stale int64) {
	var made, old atomic.Int64
	var wg sync.WaitGroup
	enough := func() bool { return made.Load() >= reads() }
	for range 2 {
		wg.Go(func() {
			for !enough() && !t.Failed() {
				x := targets[rand.IntN(len(targets))]
				n := x.floor.Load() + 1
				switch err := write(x, n); {
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
				x := targets[rand.IntN(len(targets))]
				floor := x.floor.Load()
				n, err := read(x)
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

// hammerVersions counts reads that show an older version than one whose save
// had returned.
func hammerVersions(t *testing.T, s *cache.Store, records int, v view) (total, stale int64) {
	r := newRecord()
	r.Data = make([]byte, 500)
	return hammer(t, newTargets(t, s, records),
		func(x *target, n int64) error {
			r := r
			r.ID, r.Version = x.id, uint64(n)
			return s.SaveShared(t.Context(), r)
		},
		func(x *target) (int64, error) {
			r, err := v(t.Context(), x.id)
			return int64(r.Version), err
		})
}

// hammerTouches counts reads that show an earlier expiry than one whose touch
// had returned. The touches move the expiry on, each further than all before,
// so an older one is a stale one.
func hammerTouches(t *testing.T, s *cache.Store, records int, v view) (total, stale int64) {
	base := time.Now().Add(48 * time.Hour).Truncate(time.Millisecond)
	var one sync.Mutex // touches have no versions that would keep them in order
	return hammer(t, newTargets(t, s, records),
		func(x *target, n int64) error {
			one.Lock()
			defer one.Unlock()
			n = max(n, x.floor.Load()+1)
			err := s.Touch(t.Context(), x.id, base.Add(time.Duration(n)*time.Second))
			if err == nil {
				raise(&x.floor, n)
			}
			return err
		},
		func(x *target) (int64, error) {
			r, err := v(t.Context(), x.id)
			if err == nil && r.Expires.Before(base) {
				return 1, nil // as it was saved, not touched yet
			}
			return int64(r.Expires.Sub(base) / time.Second), err
		})
}

func TestView_NeverStale(t *testing.T) {
	for _, h := range hammers {
		for name, run := range map[string]func(*testing.T, *cache.Store, int, view) (int64, int64){
			"saves": hammerVersions, "touches": hammerTouches,
		} {
			t.Run(h.name+" "+name, func(t *testing.T) {
				s, err := cache.New(slack{memory.New()}, h.bytes)
				require.NoError(t, err)
				defer s.Close()
				total, stale := run(t, s, h.records, s.View)
				t.Logf("%d reads, %+v", total, s.Stats())
				require.Zero(t, stale)
				require.GreaterOrEqual(t, total, reads())
				require.NotZero(t, s.Stats().Hits)
			})
		}
	}
}

// The negative control: without the protocol the same hammers find stale
// reads.
func TestView_NeverStale_Control(t *testing.T) {
	for _, h := range hammers {
		t.Run(h.name, func(t *testing.T) {
			s, err := cache.New(slack{memory.New()}, h.bytes)
			require.NoError(t, err)
			defer s.Close()
			total, stale := hammerVersions(t, s, h.records, s.NaiveView)
			t.Logf("%d reads, %d stale", total, stale)
			require.NotZero(t, stale)
		})
	}
}

// ghosts deletes records while others read them, and counts the reads that
// began after the Delete had returned and still found the record.
func ghosts(t *testing.T, s *cache.Store, v view, rounds int) (ghosts int64) {
	type victim struct {
		id   store.ID
		gone atomic.Bool
	}
	var current atomic.Pointer[victim]
	var found atomic.Int64
	var wg sync.WaitGroup
	look := func(x *victim) {
		gone := x.gone.Load()
		if _, err := v(t.Context(), x.id); err == nil && gone {
			found.Add(1)
		}
	}
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if x := current.Load(); x != nil {
					look(x)
				}
				runtime.Gosched()
			}
		})
	}
	for range rounds {
		r := newRecord()
		x := &victim{id: r.ID}
		require.NoError(t, s.Save(t.Context(), r))
		current.Store(x)
		v(t.Context(), x.id)
		require.NoError(t, s.Delete(t.Context(), x.id))
		x.gone.Store(true)
		for range 3 {
			look(x)
			runtime.Gosched()
		}
	}
	close(stop)
	wg.Wait()
	return found.Load()
}

func TestDelete_NoGhosts(t *testing.T) {
	for _, h := range hammers {
		t.Run(h.name, func(t *testing.T) {
			s, err := cache.New(slack{memory.New()}, h.bytes)
			require.NoError(t, err)
			defer s.Close()
			require.Zero(t, ghosts(t, s, s.View, int(reads()/50)))
		})
	}
	t.Run("control", func(t *testing.T) {
		s := open(t, slack{memory.New()})
		require.NotZero(t, ghosts(t, s, s.NaiveView, 500))
	})
}
