package compress_test

import (
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

// Close ends the making of a dictionary wherever it is, and nothing is left of
// it.
func TestClose_WhileLearning(t *testing.T) {
	before := runtime.NumGoroutine()
	rounds := 60
	if raceEnabled {
		rounds = 20
	}
	for round := range rounds {
		inner := memory.New()
		s, err := compress.New(inner)
		require.NoError(t, err)
		var wg sync.WaitGroup
		var faults atomic.Int64
		for worker := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					r := visit(100*worker + i)
					err := s.Save(t.Context(), r)
					if err == nil {
						var got store.Record
						got, err = s.Load(t.Context(), r.ID)
						if err == nil && string(got.Data) != string(r.Data) {
							faults.Add(1)
						}
					}
					if err != nil {
						if !errors.Is(err, store.ErrClosed) {
							faults.Add(1)
						}
						return
					}
				}
			})
		}
		for n := 0; n < min(compress.EnoughSamples, 60+10*round); {
			n = int(s.Stats().Raw + s.Stats().Compressed)
			runtime.Gosched()
		}
		for range 2 {
			wg.Go(func() {
				if s.Close() != nil {
					faults.Add(1)
				}
			})
		}
		wg.Wait()
		require.Zero(t, faults.Load())
		n, _ := s.Samples()
		require.Zero(t, n)
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "a goroutine is left") // one may be about to end
	}
}

// hanging is a store whose Load of reserved IDs waits for its context, and a
// second longer.
type hanging struct {
	store.Store
	left *atomic.Bool
}

func (s hanging) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if id.Reserved() {
		<-ctx.Done()
		time.Sleep(time.Second)
		s.left.Store(true)
		return store.Record{}, ctx.Err()
	}
	return s.Store.Load(ctx, id)
}

// The inner store hangs until the end of the context, which Close brings.
func TestClose_StoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Bool
		s := open(t, hanging{memory.New(), &left})
		for i := range 2 * compress.EnoughSamples {
			require.NoError(t, s.Save(t.Context(), visit(i)))
		}
		synctest.Wait()
		require.NoError(t, s.Close())
		require.True(t, left.Load(), "nobody is left inside")
	})
}
