package stat_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

func TestMedian(t *testing.T) {
	values := []float64{9, 1, 5}
	require.Equal(t, 5.0, stat.Median(values))
	require.Equal(t, []float64{9, 1, 5}, values, "the values are the caller's")
	require.Equal(t, 3.0, stat.Median([]float64{1, 5, 4, 2}))
	require.True(t, math.IsNaN(stat.Median(nil)))
}

func TestSpread(t *testing.T) {
	least, greatest := stat.Spread([]float64{3, 1, 2})
	require.Equal(t, []float64{1, 3}, []float64{least, greatest})
	least, greatest = stat.Spread(nil)
	require.True(t, math.IsNaN(least) && math.IsNaN(greatest))
}

// A machine that is twice as slow in one turn does not change a ratio that was
// taken within it; the ratio of the medians would be 2.
func TestRatios_withinTurns(t *testing.T) {
	a, b := []float64{10, 20, 20}, []float64{5, 10, 10, 99}
	require.Equal(t, []float64{2, 2, 2}, stat.Ratios(a, b))
	require.Equal(t, []float64{5, 10, 10}, stat.Differences(a, b))
	drifting, steady := []float64{10, 30, 50}, []float64{10, 15, 50}
	require.Equal(t, 1.0, stat.Median(stat.Ratios(drifting, steady)))
	require.Equal(t, 2.0, stat.Median(drifting)/stat.Median(steady))
}

func TestInterleave(t *testing.T) {
	var order string
	note := func(name string) func() error {
		return func() error { order += name; return nil }
	}
	require.NoError(t, stat.Interleave(2, note("a"), note("b"), note("c")))
	require.Equal(t, "abcabc", order)

	broken := errors.New("broken")
	require.ErrorIs(t, stat.Interleave(2, note("d"), func() error { return broken }, note("e")), broken)
	require.Equal(t, "abcabcd", order)
}

func TestHistogram_quantiles(t *testing.T) {
	var h, half stat.Histogram
	var all []time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		d := time.Duration(math.Exp(random.Float64() * 25)) // a nanosecond to 72 s
		all = append(all, d)
		if i%2 == 0 {
			half.Record(d)
		} else {
			h.Record(d)
		}
	}
	h.Add(&half)
	slices.Sort(all)
	require.EqualValues(t, len(all), h.Count())
	require.Equal(t, all[len(all)-1], h.Max())
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	require.Equal(t, sum/time.Duration(len(all)), h.Mean())
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999} {
		exact := float64(all[int(q*float64(len(all)))])
		require.InDelta(t, exact, float64(h.Quantile(q)), exact/60+1, "quantile %v", q)
	}
	require.Equal(t, h.Max(), h.Quantile(1))
}

func TestHistogram_edges(t *testing.T) {
	var h stat.Histogram
	require.Zero(t, h.Quantile(0.5))
	require.Zero(t, h.Mean())
	h.Record(-time.Second)
	require.Zero(t, h.Quantile(0.5))
	h.Record(math.MaxInt64)
	require.Equal(t, time.Duration(math.MaxInt64), h.Quantile(1))
	require.Equal(t, time.Duration(math.MaxInt64), h.Quantile(0.99))
}
