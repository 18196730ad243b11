package fuzz_test

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"
)

// allocated returns how many bytes f allocates, to within a megabyte or two:
// the runtime counts small objects by the page.
func allocated(f func()) uint64 {
	total := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := total()
	f()
	return total() - before
}

// bounded requires that f allocates no more than so many bytes for each byte of
// its input, beside what every call needs.
func bounded(t testing.TB, input, each int, f func()) {
	t.Helper()
	const always = 8 << 20
	n := allocated(f)
	require.LessOrEqual(t, n, uint64(always+each*input), "bytes allocated for an input of %d", input)
}

// perByte is enough for reading what is not compressed.
const perByte = 256

// The bound above can be exceeded.
func TestAllocated(t *testing.T) {
	var kept []byte
	n := allocated(func() { kept = make([]byte, 64<<20) })
	require.NotEmpty(t, kept)
	require.Greater(t, n, uint64(60<<20))
	require.Less(t, n, uint64(70<<20))
}
