package compress_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
)

// Saving allocates what is stored and nothing else, with a dictionary, too;
// loading allocates the data.
func TestStore_Allocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	inner := &last{}
	s := skilled(t, inner)
	r := visit(1)
	for _, c := range []struct {
		name       string
		size       int
		save, load float64
	}{{"too short", 20, 1, 0}, {"session", 220, 1, 1}, {"longer", 2000, 1, 1}, {"zstd", 4000, 1, 1}} {
		r.Data = session(1, 4000)[:c.size]
		save := testing.AllocsPerRun(500, func() { s.Save(t.Context(), r) })
		load := testing.AllocsPerRun(500, func() { s.Load(t.Context(), r.ID) })
		require.LessOrEqual(t, math.Round(save), c.save, "save, %s", c.name)
		require.LessOrEqual(t, math.Round(load), c.load, "load, %s", c.name)
	}
}

// last is a store of one record, the one that was saved last.
type last struct {
	store.Store
	record store.Record
}

func (s *last) Save(_ context.Context, r store.Record) error { s.record = r; return nil }
func (s *last) Close() error                                 { return nil }
func (s *last) Load(_ context.Context, id store.ID) (store.Record, error) {
	if id != s.record.ID {
		return store.Record{}, store.ErrNotFound
	}
	return s.record, nil
}

// What packing and unpacking a session costs with a dictionary, and how large
// it is then, by size.
func BenchmarkDictionary(b *testing.B) {
	for _, n := range []int{100, 300, 500, 1 << 10, 2 << 10, 4 << 10} {
		inner := &last{}
		s := skilled(b, inner)
		r := visit(1000)
		r.Data = session(1000, 4<<10)[:n]
		b.Run(fmt.Sprintf("pack %d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Save(b.Context(), r)
			}
			b.ReportMetric(float64(len(inner.record.Data)), "B-out")
		})
		b.Run(fmt.Sprintf("unpack %d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Load(b.Context(), r.ID)
			}
		})
	}
}

// What it costs to make a dictionary, of sessions of the usual length and of
// as much as is ever looked at.
func BenchmarkTrain(b *testing.B) {
	for name, note := range map[string]int{"usual": 220, "most": compress.MaxSample} {
		b.Run(name, func(b *testing.B) {
			c := &crowd{}
			for i := range compress.EnoughSamples {
				data := session(i, note)
				c.data = append(c.data, data[:min(len(data), compress.MaxSample)])
				c.people = append(c.people, fmt.Sprint(i))
			}
			b.ReportAllocs()
			for b.Loop() {
				_, err := compress.Train(b.Context(), c.data, c.people)
				require.NoError(b, err)
			}
		})
	}
}
