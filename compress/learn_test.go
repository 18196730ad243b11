package compress_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

func TestLearn(t *testing.T) {
	inner := memory.New()
	s := open(t, keepOpen{inner})
	saved := teach(t, s, compress.EnoughSamples-1)
	require.Zero(t, s.Stats().Dictionary)
	require.Zero(t, s.Stats().Compressed)
	saved = append(saved, teach(t, s, 1)...)
	require.Equal(t, 1, s.Stats().Dictionary)
	n, on := s.Samples()
	require.Zero(t, n, "freed")
	require.False(t, on)

	before := s.Stats()
	saved = append(saved, teach(t, s, 100)...)
	after := s.Stats()
	require.EqualValues(t, 100, after.Short-before.Short)
	require.Less(t, float64(after.BytesOut-before.BytesOut), 0.5*float64(after.BytesIn-before.BytesIn))
	for _, r := range saved {
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
	}
}

// After a restart the dictionary is found by the first record that needs it,
// or when as many have been saved as make it worth looking.
func TestLearn_Restart(t *testing.T) {
	inner := memory.New()
	s := open(t, keepOpen{inner})
	saved := append(teach(t, s, compress.EnoughSamples), teach(t, s, 1)...)
	require.Equal(t, 1, s.Stats().Dictionary)
	want, err := inner.Load(t.Context(), compress.DictionaryID(1))
	require.NoError(t, err)

	s = open(t, keepOpen{inner})
	require.Zero(t, s.Stats().Dictionary)
	_, err = s.Load(t.Context(), saved[0].ID)
	require.NoError(t, err)
	s.Learned()
	require.Zero(t, s.Stats().Dictionary, "that one was saved before")
	_, err = s.Load(t.Context(), saved[compress.EnoughSamples].ID)
	require.NoError(t, err)
	s.Learned()
	require.Equal(t, 1, s.Stats().Dictionary)

	s = open(t, inner)
	teach(t, s, compress.SomeSamples-1)
	require.Zero(t, s.Stats().Dictionary)
	teach(t, s, 1)
	require.Equal(t, 1, s.Stats().Dictionary)
	teach(t, s, 2*compress.EnoughSamples)
	require.Equal(t, 1, s.Stats().Dictionary)
	got, err := inner.Load(t.Context(), compress.DictionaryID(1))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestLearn_Off(t *testing.T) {
	for _, opt := range []compress.Option{compress.WithDictionary(false), compress.WithLevel(compress.None)} {
		inner := memory.New()
		s := open(t, inner, opt)
		for i := range 2 * compress.EnoughSamples {
			require.NoError(t, s.Save(t.Context(), visit(i)))
		}
		require.Zero(t, s.Stats().Compressed)
		_, err := inner.Load(t.Context(), compress.DictionaryID(1))
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}

// What does not shrink gets no dictionary, and is not looked at again soon.
func TestLearn_NothingInCommon(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	for i := range 3 * compress.EnoughSamples {
		r := visit(i)
		r.Data = noise(300 + i%250)[:300]
		require.NoError(t, s.Save(t.Context(), r))
		s.Learned()
	}
	n, on := s.Samples()
	require.Zero(t, n)
	require.False(t, on)
	require.Zero(t, s.Stats().Dictionary)
}

// A dictionary that saves less than a tenth is not taken, one that saves more is.
func TestLearn_LittleToGain(t *testing.T) {
	for common, want := range map[int]int{40: 0, 70: 1} {
		s := open(t, memory.New())
		for i := range compress.EnoughSamples {
			r := visit(i)
			r.Data = append(noise(1000)[:common:common], noise(400 - common + i)[i:]...)
			require.NoError(t, s.Save(t.Context(), r))
			s.Learned()
		}
		require.Equal(t, want, s.Stats().Dictionary, "%d bytes of 400 in common", common)
	}
}

// Two stores on the same records, as in two processes, make a dictionary at
// the same time. One is stored, both use it.
func TestLearn_TwoStores(t *testing.T) {
	inner := memory.New()
	stores := []*compress.Store{open(t, keepOpen{inner}), open(t, keepOpen{inner})}
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for n := range 2 * compress.EnoughSamples {
				if s.Save(t.Context(), visit(1000*i+n)) != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, s := range stores {
		s.Learned()
		require.Equal(t, 1, s.Stats().Dictionary)
	}
	_, err := inner.Load(t.Context(), compress.DictionaryID(2))
	require.ErrorIs(t, err, store.ErrNotFound)
	for i, s := range stores {
		r := visit(i)
		require.NoError(t, s.Save(t.Context(), r))
		got, err := stores[1-i].Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
	}
}

// beaten is a store in which somebody else inserts a dictionary first.
type beaten struct {
	store.Store
	first store.Record
}

func (s beaten) Save(ctx context.Context, r store.Record) error {
	if r.ID == s.first.ID {
		if err := s.Store.Save(ctx, s.first); err != nil {
			return err
		}
	}
	return s.Store.Save(ctx, r)
}

func TestLearn_SomebodyWasFirst(t *testing.T) {
	inner := memory.New()
	theirs := taught(t, 1)
	s := open(t, beaten{inner, theirs})
	teach(t, s, compress.EnoughSamples)
	require.Equal(t, 1, s.Stats().Dictionary)
	got, err := inner.Load(t.Context(), theirs.ID)
	require.NoError(t, err)
	require.Equal(t, theirs.Data, got.Data)
	teach(t, s, 1)
	require.EqualValues(t, 1, s.Stats().Short)
}

// A damaged dictionary is passed over, and keeps its number.
func TestLearn_Damaged(t *testing.T) {
	inner := memory.New()
	damaged := taught(t, 1)
	damaged.Data[50]++
	require.NoError(t, inner.Save(t.Context(), damaged))
	s := open(t, inner)
	teach(t, s, compress.EnoughSamples)
	require.Equal(t, 2, s.Stats().Dictionary)
}

func TestLearn_NoMoreNumbers(t *testing.T) {
	inner := memory.New()
	for n := range compress.MaxDictionaries {
		damaged := taught(t, n+1)
		damaged.Data[50]++
		require.NoError(t, inner.Save(t.Context(), damaged))
	}
	s := open(t, inner)
	teach(t, s, 2*compress.EnoughSamples)
	require.Zero(t, s.Stats().Dictionary)
	_, err := inner.Load(t.Context(), compress.DictionaryID(compress.MaxDictionaries+1))
	require.ErrorIs(t, err, store.ErrNotFound)
	_, on := s.Samples()
	require.False(t, on)
}

// A store that cannot be asked for dictionaries takes sessions all the same,
// and is asked again later.
func TestLearn_StoreFails(t *testing.T) {
	broken := true
	inner := memory.New()
	s := open(t, failing{inner, &broken})
	teach(t, s, compress.SomeSamples)
	n, on := s.Samples()
	require.Zero(t, n)
	require.False(t, on)
	teach(t, s, compress.RetryAfter-1)
	_, on = s.Samples()
	require.False(t, on)

	broken = false
	teach(t, s, 1)
	_, on = s.Samples()
	require.True(t, on)
	teach(t, s, compress.EnoughSamples)
	require.Equal(t, 1, s.Stats().Dictionary)
}

// refusing is a store that does not take dictionaries.
type refusing struct{ store.Store }

func (s refusing) Save(ctx context.Context, r store.Record) error {
	if r.ID.Reserved() {
		return errBroken
	}
	return s.Store.Save(ctx, r)
}

func TestLearn_StoreTakesNoDictionary(t *testing.T) {
	s := open(t, refusing{memory.New()})
	teach(t, s, 2*compress.EnoughSamples)
	require.Zero(t, s.Stats().Dictionary)
	require.Zero(t, s.Stats().Compressed)
	_, on := s.Samples()
	require.False(t, on)
}

// Two records of which each needs a dictionary load it once.
func TestLoad_DictionaryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New()
		first := open(t, keepOpen{inner})
		teach(t, first, compress.EnoughSamples)
		saved := teach(t, first, 2)
		loads := &counting{Store: inner, release: make(chan struct{})}
		s := open(t, loads, compress.WithDictionary(false))
		errs := make(chan error, 3)
		for i := range 2 {
			go func() {
				_, err := s.Load(t.Context(), saved[i].ID)
				errs <- err
			}()
		}
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := s.Load(impatient, saved[0].ID)
			errs <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-errs, context.Canceled, "it does not wait for others")
		close(loads.release)
		require.NoError(t, errors.Join(<-errs, <-errs))
		require.EqualValues(t, 1, loads.n.Load())
	})
}

// counting counts the loads of dictionaries, which hang at first.
type counting struct {
	store.Store
	n       atomic.Int64
	release chan struct{}
}

func (s *counting) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if id.Reserved() {
		s.n.Add(1)
		<-s.release
	}
	return s.Store.Load(ctx, id)
}
