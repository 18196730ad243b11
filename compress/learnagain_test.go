package compress_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// forgetful is a store that keeps dictionaries alone, so that tests can save
// very often.
type forgetful struct{ store.Store }

func (s forgetful) Save(ctx context.Context, r store.Record) error {
	if !r.ID.Reserved() {
		return nil
	}
	return s.Store.Save(ctx, r)
}

// records returns n records, which make makes.
func records(n int, make func(i int) store.Record) (all []store.Record) {
	for i := range n {
		all = append(all, make(i))
	}
	return all
}

// saveMany saves the records again and again, n in all.
func saveMany(t *testing.T, s *compress.Store, n int, all []store.Record) {
	t.Helper()
	for i := range n {
		require.NoError(t, s.Save(t.Context(), all[i%len(all)]))
		s.Learned() // as in teach
	}
}

// changed returns another program's session: other keys, other words.
func changed(i int) store.Record {
	r := visit(i)
	r.Data = []byte(strings.ToUpper(strings.NewReplacer("e", "#", "a", "%").Replace(string(r.Data[36:]))))
	return r
}

func incompressible(i int) store.Record {
	r := visit(i)
	r.Data = noise(100 + i%100)[:100]
	return r
}

// When the data has become another, another dictionary is made. What was
// compressed with the one before is read as ever.
func TestLearn_Again(t *testing.T) {
	inner := memory.New()
	s := open(t, keepOpen{inner})
	teach(t, s, compress.EnoughSamples)
	old := teach(t, s, 10)

	s = open(t, keepOpen{forgetful{inner}})
	s.Look()
	visits, others := records(1000, visit), records(1000, changed)
	saveMany(t, s, compress.WatchedSaves+compress.EnoughSamples, visits)
	_, on := s.Samples()
	require.False(t, on, "nothing has changed")
	require.Equal(t, 1, s.Stats().Dictionary)

	saveMany(t, s, compress.WatchedSaves-compress.EnoughSamples-1, others)
	_, on = s.Samples()
	require.False(t, on)
	saveMany(t, s, 1, others)
	_, on = s.Samples()
	require.True(t, on)
	saveMany(t, s, compress.EnoughSamples, others)
	require.Equal(t, 2, s.Stats().Dictionary)

	other := open(t, inner)
	for _, r := range old {
		got, err := other.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
	}
	other.Learned()
	require.Equal(t, 2, other.Stats().Dictionary, "the newest")
}

// Data that no dictionary helps is not sampled after every watch.
func TestLearn_AgainInVain(t *testing.T) {
	s := skilled(t, forgetful{memory.New()})
	hopeless := records(compress.EnoughSamples, incompressible)
	saveMany(t, s, compress.WatchedSaves, hopeless)
	n, on := s.Samples()
	require.True(t, on)
	require.Zero(t, n)
	saveMany(t, s, compress.EnoughSamples, hopeless)
	for range 3 {
		_, on = s.Samples()
		require.False(t, on)
		saveMany(t, s, compress.WatchedSaves, hopeless)
	}
	require.Equal(t, 1, s.Stats().Dictionary)
}

// Without a dictionary it is tried again, less and less often.
func TestLearn_StillNothingInCommon(t *testing.T) {
	s := open(t, forgetful{memory.New()})
	hopeless := records(compress.EnoughSamples, incompressible)
	saveMany(t, s, compress.EnoughSamples, hopeless)
	for _, watches := range []int{2, 4} {
		saveMany(t, s, watches*compress.WatchedSaves-1, hopeless)
		_, on := s.Samples()
		require.False(t, on)
		saveMany(t, s, 1, hopeless)
		_, on = s.Samples()
		require.True(t, on)
		saveMany(t, s, compress.EnoughSamples, hopeless)
	}
	require.Zero(t, s.Stats().Dictionary)
}
