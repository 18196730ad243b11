package fuzz_test

import (
	"bytes"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
)

// damaged yields sound, and then sound with one thing wrong with it, at about
// places different places: a bit turned, a byte set, taken out or doubled, the
// rest cut off. What it yields is the caller's.
func damaged(sound []byte, places int) iter.Seq[[]byte] {
	step := max(1, len(sound)/places)
	return func(yield func([]byte) bool) {
		if !yield(bytes.Clone(sound)) {
			return
		}
		for at := 0; at < len(sound); at += step {
			flipped, maximal := bytes.Clone(sound), bytes.Clone(sound)
			flipped[at] ^= 1 << (at % 8)
			maximal[at] = 0xff
			for _, b := range [][]byte{
				flipped,
				maximal,
				bytes.Join([][]byte{sound[:at], sound[at+1:]}, nil),
				bytes.Join([][]byte{sound[:at+1], sound[at:]}, nil),
				bytes.Clone(sound[:at]),
			} {
				if !yield(b) {
					return
				}
			}
		}
	}
}

func TestDamaged(t *testing.T) {
	seen := make(map[string]bool)
	for b := range damaged([]byte("0123456789"), 5) {
		seen[string(b)] = true
	}
	for _, want := range []string{"0123456789", "1123456789", "01\xff3456789", "012345789", "01234566789", "01", ""} {
		require.Contains(t, seen, want)
	}
	require.Len(t, seen, 1+5*5)
}
