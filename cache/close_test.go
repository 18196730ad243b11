package cache_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

func TestClose_LaterCalls(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	require.NoError(t, s.Close())

	_, err := s.View(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Load(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrClosed)
	require.ErrorIs(t, s.Touch(t.Context(), r.ID, r.Expires), store.ErrClosed)
	require.ErrorIs(t, s.Delete(t.Context(), r.ID), store.ErrClosed)
	require.EqualValues(t, 1, s.Stats().Fills)
}

type slowClose struct {
	store.Store
	release chan struct{}
}

func (s slowClose) Close() error {
	<-s.release
	return s.Store.Close()
}

// The inner store takes its time to close. Meanwhile nothing is read any more,
// neither from memory nor from the store.
func TestClose_RefusesFromTheBegin(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := slowClose{memory.New(), make(chan struct{})}
		s := open(t, inner)
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		done := make(chan error)
		go func() { done <- s.Close() }()
		synctest.Wait()
		_, err := s.View(t.Context(), r.ID)
		close(inner.release)
		require.NoError(t, <-done)
		require.ErrorIs(t, err, store.ErrClosed)
	})
}

type failingClose struct{ store.Store }

func (failingClose) Close() error { return errBroken }

func TestClose_ReportsTheInnerStore(t *testing.T) {
	s := open(t, failingClose{memory.New()})
	require.ErrorIs(t, s.Close(), errBroken)
	require.NoError(t, s.Close())
}

// A call hangs inside the inner store. Close does not wait for it, and what it
// brings back in the end is not put in the cache that is gone.
func TestClose_CallStuckInside(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		inner := &hooked{Store: memory.New()}
		inner.load = func(next func() (store.Record, error)) (store.Record, error) {
			r, err := next()
			<-release
			return r, err
		}
		inner.write = func(next func() error) error {
			err := next()
			<-release
			return err
		}
		s := open(t, inner)
		r, other := newRecord(), newRecord()
		require.NoError(t, inner.Store.Save(t.Context(), r))
		done := make(chan error)
		go func() {
			_, err := s.View(t.Context(), r.ID)
			done <- err
		}()
		go func() { done <- s.Save(t.Context(), other) }()
		synctest.Wait()

		require.NoError(t, s.Close())
		close(release)
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Zero(t, s.Stats().Fills)
	})
}

// storm has goroutines use everything that a cache offers while it is closed,
// and returns how many of them panicked.
func storm(t *testing.T, s *cache.Store, closeIt func()) (panics int) {
	targets := newTargets(t, s, 8)
	var began, panicked atomic.Int64
	var wg sync.WaitGroup
	const workers = 6
	for range workers {
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			began.Add(1)
			for {
				if err := useAll(t, s, targets[rand.IntN(len(targets))]); errors.Is(err, store.ErrClosed) {
					return
				}
				runtime.Gosched()
			}
		})
	}
	for began.Load() < workers {
		s.Stats()
	}
	closeIt()
	wg.Wait()
	return int(panicked.Load())
}

// useAll calls one method after the other and returns the error of the last.
func useAll(t *testing.T, s *cache.Store, x *target) error {
	r := newRecord()
	r.ID, r.Version = x.id, uint64(rand.IntN(3)+1)
	s.Save(t.Context(), r)
	s.SaveShared(t.Context(), newRecord())
	s.Touch(t.Context(), x.id, time.Now().Add(time.Hour))
	if rand.IntN(10) == 0 {
		s.Delete(t.Context(), x.id)
	}
	for range s.List(t.Context(), "nobody") {
	}
	s.Sweep(t.Context(), time.Now(), 1)
	s.Load(t.Context(), x.id)
	_, err := s.View(t.Context(), x.id)
	return err
}

func TestClose_Storm(t *testing.T) {
	rounds := 150
	if raceEnabled {
		rounds = 40
	}
	for range rounds {
		s, err := cache.New(memory.New(), cache.MinBytes)
		require.NoError(t, err)
		require.Zero(t, storm(t, s, func() {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { s.Close() })
			}
			wg.Wait()
		}))
	}
}

// The negative control: with a Close that waits for nobody, the same storm
// brings panics.
func TestClose_Storm_Control(t *testing.T) {
	if raceEnabled {
		t.Skip("this is a data race, too")
	}
	// The race is for real: one processor would hardly ever switch within it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.NumCPU())))
	for range 500 {
		s, err := cache.New(memory.New(), cache.MinBytes)
		require.NoError(t, err)
		if storm(t, s, s.CloseUngated) > 0 {
			return
		}
	}
	t.Fatal("no panic in 500 rounds: the storm is too weak to show anything")
}
