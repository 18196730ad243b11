package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memory.New() })
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(*testing.B) store.Store { return memory.New() })
}

func TestStore_keepsTheExactExpiry(t *testing.T) {
	s := memory.New()
	r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: time.Now().Add(time.Hour + 1)}
	require.NoError(t, s.Save(t.Context(), r))
	requireExpiry(t, s, r.ID, r.Expires)
	touched := time.Now().Add(2*time.Hour + 1)
	require.NoError(t, s.Touch(t.Context(), r.ID, touched))
	requireExpiry(t, s, r.ID, touched)
}

func requireExpiry(t *testing.T, s *memory.Store, id store.ID, want time.Time) {
	t.Helper()
	r, err := s.Load(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want.UnixNano(), r.Expires.UnixNano())
	require.NotContains(t, r.Expires.String(), "m=", "it has a monotonic reading")
}

func TestStore_List_copiesOnlyWhatItYields(t *testing.T) {
	s := memory.New()
	for range 1000 {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "alice", Data: []byte("data")}
		require.NoError(t, s.Save(t.Context(), r))
	}
	for _, owner := range []string{"alice", ""} {
		allocs := testing.AllocsPerRun(10, func() {
			for range s.List(t.Context(), owner) {
				break
			}
		})
		require.Less(t, allocs, 50.0, "list %q", owner)
	}
}

func TestStore_List_leavesOutWhatMovedAway(t *testing.T) {
	s := memory.New()
	for range 10 {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "alice"}
		require.NoError(t, s.Save(t.Context(), r))
	}
	listed := 0
	for first, err := range s.List(t.Context(), "alice") {
		require.NoError(t, err)
		listed++
		for r, err := range s.List(t.Context(), "alice") {
			require.NoError(t, err)
			if r.ID != first.ID {
				r.Version, r.Owner = 2, "bob"
				require.NoError(t, s.Save(t.Context(), r))
			}
		}
	}
	require.Equal(t, 1, listed)
}

// TestStore_forgetsNothingInItsIndexes does random things and then removes
// every record: one index that keeps anything would leak for ever.
func TestStore_forgetsNothingInItsIndexes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		random := rand.New(rand.NewPCG(1, 2))
		expires := func() time.Time {
			if random.IntN(4) == 0 {
				return time.Time{}
			}
			return time.Now().Add(time.Duration(random.IntN(10)) * time.Second)
		}
		for range 5000 {
			id := store.ID{15: 1 + byte(random.IntN(40))}
			old, _ := s.Load(t.Context(), id)
			switch random.IntN(8) {
			case 0:
				require.NoError(t, s.Delete(t.Context(), id))
			case 1, 2:
				_ = s.Touch(t.Context(), id, expires())
			case 3:
				_, err := s.Sweep(t.Context(), time.Now(), random.IntN(4))
				require.NoError(t, err)
				time.Sleep(500 * time.Millisecond)
			default:
				require.NoError(t, s.Save(t.Context(), store.Record{
					ID: id, Version: old.Version + 1, Expires: expires(), Owner: [3]string{"", "a", "b"}[random.IntN(3)],
				}))
			}
			records, owners, expiring := s.Sizes()
			require.LessOrEqual(t, owners, 2)
			require.LessOrEqual(t, expiring, records)
		}

		time.Sleep(10 * time.Second)
		_, err := s.Sweep(t.Context(), time.Now(), 1000)
		require.NoError(t, err)
		for r, err := range s.List(t.Context(), "") {
			require.NoError(t, err)
			require.Zero(t, r.Expires, "not swept")
			require.NoError(t, s.Delete(t.Context(), r.ID))
		}
		records, owners, expiring := s.Sizes()
		require.Equal(t, [3]int{}, [3]int{records, owners, expiring})
	})
}

// saveExpired stores n records that have expired.
func saveExpired(t *testing.T, s *memory.Store, n int) {
	t.Helper()
	for range n {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: time.Now().Add(-time.Minute)}
		require.NoError(t, s.Save(t.Context(), r))
	}
}

func TestStore_Sweep_inBatches(t *testing.T) {
	const all = 2*memory.SweepBatch + memory.SweepBatch/2
	for _, test := range []struct{ limit, want int }{
		{memory.SweepBatch - 1, memory.SweepBatch - 1},
		{memory.SweepBatch, memory.SweepBatch},
		{memory.SweepBatch + 1, memory.SweepBatch + 1},
		{2 * memory.SweepBatch, 2 * memory.SweepBatch},
		{all, all},
		{all + 1, all},
		{10 * all, all},
	} {
		t.Run(fmt.Sprint(test.limit), func(t *testing.T) {
			s := memory.New()
			saveExpired(t, s, all)
			n, err := s.Sweep(t.Context(), time.Now(), test.limit)
			require.NoError(t, err)
			require.Equal(t, test.want, n)
			records, _, _ := s.Sizes()
			require.Equal(t, all-test.want, records)
		})
	}
}

// endsAfter is a context that has ended when it was asked n times.
type endsAfter struct {
	context.Context
	n int
}

func (c *endsAfter) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestStore_Sweep_saysWhatItRemovedBeforeTheContextEnded(t *testing.T) {
	s := memory.New()
	saveExpired(t, s, 3*memory.SweepBatch)
	n, err := s.Sweep(&endsAfter{t.Context(), 2}, time.Now(), 3*memory.SweepBatch)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2*memory.SweepBatch, n)
	records, _, _ := s.Sizes()
	require.Equal(t, memory.SweepBatch, records)
}
