package cache_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

func TestView_Hits(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	r := newRecord()
	require.NoError(t, inner.Save(t.Context(), r))

	for range 3 {
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
		require.Equal(t, r.Owner, got.Owner)
		s.Wait()
	}
	require.Equal(t, cache.Stats{Hits: 2, Misses: 1, Fills: 1}, s.Stats())
}

func TestView_HitAfterSave(t *testing.T) {
	for name, save := range map[string]func(*cache.Store, store.Record) error{
		"Save":       func(s *cache.Store, r store.Record) error { return s.Save(t.Context(), r) },
		"SaveShared": func(s *cache.Store, r store.Record) error { return s.SaveShared(t.Context(), r) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, memory.New())
			r := newRecord()
			require.NoError(t, save(s, r))
			s.Wait()
			r.Version, r.Data = 2, []byte("second")
			require.NoError(t, save(s, r))

			got, err := s.View(t.Context(), r.ID)
			require.NoError(t, err)
			require.EqualValues(t, 2, got.Version)
			require.Equal(t, "second", string(got.Data))
			require.Equal(t, cache.Stats{Hits: 1, Fills: 2}, s.Stats())
		})
	}
}

func TestView_HitAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(10_000, func() { s.View(ctx, r.ID) }))
	require.Zero(t, s.Stats().Misses)
}

func TestView_SharesAndLoadCopies(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()

	first, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	second, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Same(t, &first.Data[0], &second.Data[0])
	require.Equal(t, len(first.Data), cap(first.Data), "an append must not reach what others see")

	own, err := s.Load(t.Context(), r.ID)
	require.NoError(t, err)
	clear(own.Data)
	require.Equal(t, newRecord().Data, first.Data)
	require.EqualValues(t, 3, s.Stats().Hits)
}

func TestView_StaysValid(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	old, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)

	next := r
	next.Version, next.Data = 2, []byte("something else now")
	require.NoError(t, s.Save(t.Context(), next))
	require.NoError(t, s.Delete(t.Context(), r.ID))
	require.NoError(t, s.Close())
	require.Equal(t, newRecord().Data, old.Data)
}

func TestSave_LeavesTheBytesToTheCaller(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	clear(r.Data)

	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, newRecord().Data, got.Data)
	require.EqualValues(t, 1, s.Stats().Hits)
}

func TestSaveShared_KeepsTheBytes(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.SaveShared(t.Context(), r))
	s.Wait()

	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Same(t, &r.Data[0], &got.Data[0])
}

func TestView_ComparesTheWholeID(t *testing.T) {
	s := open(t, memory.New())
	r, other := newRecord(), newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Plant(r.ID, other)
	require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	require.EqualValues(t, 1, s.Stats().Fills, "a touch must not give its expiry to another record")

	s.Plant(r.ID, other)
	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.ID, got.ID)
	require.EqualValues(t, 1, s.Stats().Misses)
}

func TestView_AbsenceIsNotCached(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	r := newRecord()
	_, err := s.View(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrNotFound)

	require.NoError(t, inner.Save(t.Context(), r))
	_, err = s.View(t.Context(), r.ID)
	require.NoError(t, err)
}

func TestView_LargeRecordsAreNotKept(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	r.Data = make([]byte, size/16)
	require.NoError(t, s.Save(t.Context(), r))
	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, got.Data, len(r.Data))
	require.Equal(t, cache.Stats{Misses: 1, Skips: 2}, s.Stats())
}

// Whatever is put in, the map stays within its size; what does not fit is
// loaded from the inner store.
func TestView_Evicted(t *testing.T) {
	s, err := cache.New(memory.New(), cache.MinBytes)
	require.NoError(t, err)
	defer s.Close()
	var ids []store.ID
	for range 2000 {
		r := newRecord()
		r.Data = make([]byte, 500)
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		ids = append(ids, r.ID)
	}
	for _, id := range ids {
		_, err := s.View(t.Context(), id)
		require.NoError(t, err)
	}
	require.Less(t, s.Stats().Hits, uint64(cache.MinBytes/500))
}

func TestView_OtherProcess(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := memory.New()
		s := open(t, inner, cache.WithMaxAge(10*time.Second))
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		require.NoError(t, inner.Delete(t.Context(), r.ID), "as another process would")

		time.Sleep(10*time.Second - time.Nanosecond)
		_, err := s.View(t.Context(), r.ID)
		require.NoError(t, err, "within the maximum age the old version may be served")
		time.Sleep(time.Nanosecond)
		_, err = s.View(t.Context(), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// The age of a record counts from before it was read or written: what another
// process did while the inner store was slow must not stay hidden for longer.
func TestView_AgeCountsFromTheBegin(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := &hooked{Store: memory.New()}
		inner.load = func(next func() (store.Record, error)) (store.Record, error) {
			time.Sleep(6 * time.Second)
			return next()
		}
		inner.write = func(next func() error) error {
			time.Sleep(6 * time.Second)
			return next()
		}
		s := open(t, inner, cache.WithMaxAge(10*time.Second))
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		for n := uint64(1); n <= 2; n++ {
			s.Wait()
			time.Sleep(4*time.Second - time.Nanosecond)
			_, err := s.View(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, n, s.Stats().Hits)
			time.Sleep(time.Nanosecond)
			_, err = s.View(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, n, s.Stats().Misses)
		}
	})
}
