package cache_test

import (
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

// saves is a hammer whose reads are stale if they show an older version than
// one whose save had returned.
func saves(t *testing.T, s *cache.Store, records int, v view) hammer {
	r := newRecord()
	r.Data = make([]byte, 500)
	return hammer{
		targets: newTargets(t, s, records),
		write: func(x *target, n int64) error {
			r := r
			r.ID, r.Version = x.id, uint64(n)
			return s.SaveShared(t.Context(), r)
		},
		read: func(x *target) (int64, error) {
			r, err := v(t.Context(), x.id)
			return int64(r.Version), err
		},
	}
}

// touches is a hammer whose reads are stale if they show an earlier expiry
// than one whose touch had returned. Each touch moves the expiry further than
// all before it.
func touches(t *testing.T, s *cache.Store, records int, v view) hammer {
	base := time.Now().Add(48 * time.Hour).Truncate(time.Millisecond)
	var one sync.Mutex // touches have no versions that would keep them in order
	return hammer{
		targets: newTargets(t, s, records),
		write: func(x *target, n int64) error {
			one.Lock()
			defer one.Unlock()
			n = max(n, x.floor.Load()+1)
			err := s.Touch(t.Context(), x.id, base.Add(time.Duration(n)*time.Second))
			if err == nil {
				raise(&x.floor, n)
			}
			return err
		},
		read: func(x *target) (int64, error) {
			r, err := v(t.Context(), x.id)
			if err == nil && r.Expires.Before(base) {
				return 1, nil // as it was saved, not touched yet
			}
			return int64(r.Expires.Sub(base) / time.Second), err
		},
	}
}

func TestView_NeverStale(t *testing.T) {
	for _, h := range hammers {
		for name, forge := range map[string]func(*testing.T, *cache.Store, int, view) hammer{
			"saves": saves, "touches": touches,
		} {
			t.Run(h.name+" "+name, func(t *testing.T) {
				s, err := cache.New(slack{memory.New()}, h.bytes)
				require.NoError(t, err)
				defer s.Close()
				total, stale := forge(t, s, h.records, s.View).run(t, func(total, _ int64) bool {
					return total >= reads()
				})
				t.Logf("%d reads, %+v", total, s.Stats())
				require.Zero(t, stale)
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
			total, stale := saves(t, s, h.records, s.NaiveView).run(t, func(total, stale int64) bool {
				return stale > 0 || total >= 10*reads()
			})
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
		found := int64(0)
		for range 1000 { // how soon depends on what else the machine does
			if found = ghosts(t, s, s.NaiveView, 100); found > 0 {
				break
			}
		}
		require.NotZero(t, found)
	})
}
