package compress_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

func TestClose_LaterCalls(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord(text(3000))
	require.NoError(t, s.Save(t.Context(), r))
	require.NoError(t, s.Close())

	_, err := s.Load(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrClosed)
	r.Data = nil
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrClosed)
	require.ErrorIs(t, s.Touch(t.Context(), r.ID, r.Expires), store.ErrClosed)
	require.ErrorIs(t, s.Delete(t.Context(), r.ID), store.ErrClosed)
	require.EqualValues(t, 1, s.Stats().Compressed)
}

var errBroken = errors.New("the disk is broken")

type failingClose struct{ store.Store }

func (failingClose) Close() error { return errBroken }

func TestClose_ReportsTheInnerStore(t *testing.T) {
	s := open(t, failingClose{memory.New()})
	require.ErrorIs(t, s.Close(), errBroken)
	require.NoError(t, s.Close())
}

// stuck is a store whose Load hangs on its way back.
type stuck struct {
	store.Store
	release chan struct{}
}

func (s stuck) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r, err := s.Store.Load(ctx, id)
	<-s.release
	return r, err
}

// A call hangs inside the inner store. Close does not wait for it, and when it
// comes out there is nothing left to decompress with.
func TestClose_CallStuckInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := stuck{memory.New(), make(chan struct{})}
		s := open(t, inner)
		large, small := newRecord(text(3000)), newRecord(text(30))
		require.NoError(t, s.Save(t.Context(), large))
		require.NoError(t, s.Save(t.Context(), small))
		load := func(id store.ID) chan error {
			done := make(chan error)
			go func() {
				_, err := s.Load(t.Context(), id)
				done <- err
			}()
			return done
		}
		ofLarge, ofSmall := load(large.ID), load(small.ID)
		synctest.Wait()

		require.NoError(t, s.Close())
		close(inner.release)
		require.ErrorIs(t, <-ofLarge, store.ErrClosed)
		require.NoError(t, <-ofSmall)
	})
}

// A listing that is under way when the store is closed ends with ErrClosed.
func TestClose_DuringList(t *testing.T) {
	s := open(t, keepOpen{memory.New()})
	for range 5 {
		require.NoError(t, s.Save(t.Context(), newRecord(text(3000))))
	}
	var errs []error
	for _, err := range s.List(t.Context(), "grace") {
		errs = append(errs, err)
		s.Close()
	}
	require.Len(t, errs, 2)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], store.ErrClosed)
}

// storm has goroutines save, load and list while the store is closed. It
// returns how many of them panicked or got a wrong answer, and whether all
// came to an end.
func storm(t *testing.T, s *compress.Store, closeIt func()) (faults int, ended bool) {
	r := newRecord(text(20_000))
	require.NoError(t, s.Save(t.Context(), r))
	var began, faulty atomic.Int64
	var wg sync.WaitGroup
	const workers = 8
	for range workers {
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					faulty.Add(1)
				}
			}()
			began.Add(1)
			for {
				s.Save(t.Context(), newRecord(r.Data))
				for range s.List(t.Context(), "nobody") {
				}
				got, err := s.Load(t.Context(), r.ID)
				if errors.Is(err, store.ErrClosed) {
					return
				}
				if err != nil || !bytes.Equal(r.Data, got.Data) {
					faulty.Add(1)
					return
				}
			}
		})
	}
	for began.Load() < workers {
		runtime.Gosched()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		closeIt()
		wg.Wait()
	}()
	select {
	case <-done:
		ended = true
	case <-time.After(2 * time.Second):
	}
	return int(faulty.Load()), ended
}

func TestClose_Storm(t *testing.T) {
	rounds := 40
	if raceEnabled {
		rounds = 15
	}
	for range rounds {
		s, err := compress.New(memory.New())
		require.NoError(t, err)
		faults, ended := storm(t, s, func() {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { s.Close() })
			}
			wg.Wait()
		})
		require.Zero(t, faults)
		require.True(t, ended, "somebody hangs")
	}
}

// The negative control: with a Close that waits for nobody, the same storm
// brings panics, wrong answers and goroutines that never end.
func TestClose_Storm_Control(t *testing.T) {
	if raceEnabled {
		t.Skip("this is a data race, too")
	}
	// The race is for real: one processor would hardly ever switch within it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.NumCPU())))
	for range 100 {
		s, err := compress.New(memory.New())
		require.NoError(t, err)
		if faults, ended := storm(t, s, s.CloseUngated); faults > 0 || !ended {
			return
		}
	}
	t.Fatal("no fault and no hang in 100 rounds: the storm is too weak to show anything")
}
