package fuzz_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzValue builds values of many types, in each other, from the input. What
// one manager stores, server-side and client-side, another one gives back as
// the same value of the same type; and setting it again is no change.
func FuzzValue(f *testing.F) {
	for _, seed := range valueSeeds() {
		f.Add(seed.shape, seed.text, seed.raw, seed.n, seed.bits, seed.on)
	}
	f.Fuzz(func(t *testing.T, shape []byte, text string, raw []byte, n int64, bits uint64, on bool) {
		const most = 1024
		b := builder{
			shape: shape[:min(len(shape), 256)], text: text[:min(len(text), most)], raw: raw[:min(len(raw), most)],
			n: n, bits: bits, on: on,
		}
		want := b.value(5)
		inner := kept{memory.New()}
		s := newSite(t, inner).Begin(t.Context())
		s.Set("server", want)
		s.Set("client", want, gimlet.ClientSide)
		require.NoError(t, s.Commit(t.Context()), "%#v", want)
		token, err := s.Token()
		require.NoError(t, err)

		other := newSite(t, inner)
		s, err = other.Load(t.Context(), token)
		require.NoError(t, err)
		for key, got := range s.All() {
			require.True(t, same(want, got), "%s: set %#v, got %#v", key, want, got)
			require.True(t, same(want, s.Get(key)), key)
			got, ok := gimlet.NewKey[any](key).Get(s)
			require.True(t, ok && same(want, got), "%s: set %#v, got %#v, %t", key, want, got, ok)
			s.Set(key, want, placeOf(key))
		}
		require.Equal(t, []string{"client", "server"}, s.Keys())
		require.NoError(t, s.Commit(t.Context()))
		require.Zero(t, other.Stats().Saves, "to set an equal value is no change: %#v", want)
	})
}

func placeOf(key string) gimlet.Placement {
	if key == "client" {
		return gimlet.ClientSide
	}
	return gimlet.ServerSide
}

// kept is a store that outlives the managers on it.
type kept struct{ store.Store }

func (kept) Close() error { return nil }

type valueSeed struct {
	shape []byte
	text  string
	raw   []byte
	n     int64
	bits  uint64
	on    bool
}

// valueSeeds have each type alone, each container of each number of elements,
// and the extremes of each scalar.
func valueSeeds() (seeds []valueSeed) {
	usual := valueSeed{text: "text", raw: []byte{0, 1, 0xff}, n: 42, bits: math.Float64bits(1.5), on: true}
	add := func(s valueSeed, shape ...byte) {
		s.shape = shape
		seeds = append(seeds, s)
	}
	for kind := range byte(20) {
		for n := range byte(9) {
			add(usual, 2*kind, n)
			add(usual, 2*kind+1, n, 1, 3, 2, 0, 1, 9, 4, 3, 6, 5, 2, 0, 8, 1, 0, 1, 2, 2, 3, 3, 7)
		}
	}
	for _, n := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 23, 24, 255, 256, 65_535, 65_536, 1 << 32} {
		extreme := valueSeed{n: n, bits: uint64(n), text: fmt.Sprint(n)}
		for kind := range byte(20) {
			add(extreme, 2*kind, 0)
		}
	}
	for _, float := range []float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64, math.MaxFloat64, 65_504, 1e-7} {
		odd := valueSeed{bits: math.Float64bits(float), text: "\xff\xfe\x00", raw: make([]byte, 300)}
		for _, kind := range []byte{3, 15} {
			add(odd, 2*kind, 0)
		}
		for _, kind := range []byte{5, 10, 15, 19} {
			add(odd, 2*kind+1, 4, 2, 0, 2, 1, 2, 2, 3, 3)
		}
	}
	return seeds
}
