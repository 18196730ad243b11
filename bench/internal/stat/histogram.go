package stat

import (
	"math/bits"
	"time"
)

// A Histogram counts durations in buckets whose width is at most 1/64 of
// what is in them, so that quantiles are exact to 1.6 percent from a
// nanosecond to hours, in constant memory. The zero value is empty. It is not
// safe for concurrent use: give each client one, and Add them.
type Histogram struct {
	buckets [buckets]uint64
	count   uint64
	sum     time.Duration
	max     time.Duration
}

const (
	subBits = 6 // each power of two is split into 64 buckets
	sub     = 1 << subBits
	buckets = (64 - subBits) * sub
)

// Record counts one duration. Negative ones count as zero.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d))]++
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// Add counts everything that other has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count returns how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.count }

// Mean returns the mean of all durations, 0 for none.
func (h *Histogram) Mean() time.Duration {
	return h.sum / time.Duration(max(h.count, 1))
}

// Max returns the longest duration, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the duration that a share q of all does not exceed: 0.5 is
// the median, 0.99 the 99th percentile. It is the upper end of a bucket, and
// never more than Max. It is zero for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	var seen uint64
	for i, n := range h.buckets {
		seen += n
		if n > 0 && seen > rank {
			return min(time.Duration(endOf(i)), h.max)
		}
	}
	return h.max
}

func bucketOf(v uint64) int {
	if v < sub {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return shift*sub + int(v>>shift)
}

// endOf returns the greatest value of a bucket.
func endOf(i int) uint64 {
	if i < 2*sub {
		return uint64(i)
	}
	shift := i/sub - 1
	return uint64(i-shift*sub+1)<<shift - 1
}
