// Package stat turns repeated measurements into what a page can say: medians,
// spreads, and ratios that were taken side by side.
//
// Machines drift: a disk is slower for a while, a neighbour takes the
// processor. So contestants are measured in turns, and a ratio is computed
// within each turn; the median of those ratios is what is reported, never the
// ratio of two medians.
package stat

import (
	"math"
	"slices"
)

// Median returns the middle of the values, and the mean of the two in the
// middle when their number is even. It is NaN for no values. The values are
// not changed.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Spread returns the least and the greatest of the values, NaN for none.
func Spread(values []float64) (least, greatest float64) {
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(values), slices.Max(values)
}

// Ratios returns a[i]/b[i] for each turn i that both have been measured in.
func Ratios(a, b []float64) []float64 {
	return pairs(a, b, func(x, y float64) float64 { return x / y })
}

// Differences returns a[i]-b[i] for each turn i that both have been measured in.
func Differences(a, b []float64) []float64 {
	return pairs(a, b, func(x, y float64) float64 { return x - y })
}

func pairs(a, b []float64, f func(x, y float64) float64) []float64 {
	results := make([]float64, min(len(a), len(b)))
	for i := range results {
		results[i] = f(a[i], b[i])
	}
	return results
}

// Interleave calls every function once per turn, in the order A B C A B C, so
// that what changes on the machine meanwhile meets all of them alike. It stops
// at the first error.
func Interleave(turns int, each ...func() error) error {
	for range turns {
		for _, f := range each {
			if err := f(); err != nil {
				return err
			}
		}
	}
	return nil
}
