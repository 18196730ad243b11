package load

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// shares returns how often each session was picked, by several clients.
func shares(p Pick) []float64 {
	const clients, each = 8, 50_000
	picked := make([]float64, p.n)
	for seed := range uint64(clients) {
		picker := p.picker(rand.New(rand.NewPCG(seed, 1)))
		for range each {
			picked[picker.next()] += 1.0 / (clients * each)
		}
	}
	return picked
}

func TestPick_Uniform(t *testing.T) {
	for _, share := range shares(Uniform(10)) {
		require.InDelta(t, 0.1, share, 0.01)
	}
}

func TestPick_Zipf(t *testing.T) {
	picked := shares(Zipf(1000))
	require.InDelta(t, 0.133, picked[0], 0.01)
	require.InDelta(t, picked[0]/1.99, picked[1], 0.01, "the second is picked half as often as the first")
	require.InDelta(t, picked[0]/9.77, picked[9], 0.005)
	require.InDelta(t, 1, shares(Zipf(1))[0], 1e-6)
}

// Two clients do not pick the same sessions at the same time.
func TestPick_clientsDiffer(t *testing.T) {
	for _, p := range []Pick{Uniform(1000), Zipf(1000)} {
		a, b := p.picker(rand.New(rand.NewPCG(1, 1))), p.picker(rand.New(rand.NewPCG(2, 1)))
		same := 0
		for range 1000 {
			if a.next() == b.next() {
				same++
			}
		}
		require.Less(t, same, 100)
	}
}
