package load

import (
	"math"
	"math/rand/v2"
	"sort"
)

// A Pick chooses which of n sessions a request belongs to. It may be shared by
// many clients.
type Pick struct {
	n     int
	drawn []int32 // picks that were made ahead; nil when all sessions are alike
}

// Uniform picks all of n sessions alike.
func Uniform(n int) Pick { return Pick{n: n} }

// draws is how many picks are made ahead where making them takes long. They
// begin again when they are used up.
const draws = 1 << 20

// Zipf picks the k-th of n sessions, counted from 1, with a probability
// proportional to 1/k^0.99, the distribution of YCSB's benchmarks: of 100,000
// sessions the busiest gets 8 percent of the requests.
func Zipf(n int) Pick {
	cumulative := make([]float64, n)
	var sum float64
	for k := range n {
		sum += math.Pow(float64(k+1), -0.99)
		cumulative[k] = sum
	}
	random := rand.New(rand.NewPCG(1, 99))
	drawn := make([]int32, draws)
	for i := range drawn {
		drawn[i] = int32(min(sort.SearchFloat64s(cumulative, random.Float64()*sum), n-1))
	}
	return Pick{n: n, drawn: drawn}
}

// A picker makes the picks of one client.
type picker struct {
	Pick
	random *rand.Rand
	at     int
}

// picker returns the picker of one client; clients begin at different places.
func (p Pick) picker(random *rand.Rand) *picker {
	return &picker{Pick: p, random: random, at: random.IntN(draws)}
}

func (p *picker) next() int {
	if p.drawn == nil {
		return p.random.IntN(p.n)
	}
	p.at = (p.at + 1) % len(p.drawn)
	return int(p.drawn[p.at])
}
