package compress_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/store/storetest"
)

// The first byte of what is stored.
const (
	raw        = 0x3c
	compressed = 0xa5
)

func open(t testing.TB, inner store.Store, opts ...compress.Option) *compress.Store {
	t.Helper()
	s, err := compress.New(inner, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	for name, opts := range map[string][]compress.Option{
		"defaults":   nil,
		"everything": {compress.WithMinSize(0)},
		"balanced":   {compress.WithMinSize(0), compress.WithLevel(compress.Balanced)},
		"none":       {compress.WithLevel(compress.None)},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store { return open(t, memory.New(), opts...) })
		})
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b, memory.New()) })
}

// One sub-benchmark for each size of session data, a save and a load.
func BenchmarkStore_Sizes(b *testing.B) {
	for _, n := range []int{500, 1024, 2048, 10_000, 100_000} {
		s := open(b, memory.New())
		r := newRecord(text(n))
		b.Run(fmt.Sprintf("save %d", n), func(b *testing.B) {
			for ; b.Loop(); r.Version++ {
				require.NoError(b, s.Save(b.Context(), r))
			}
			st := s.Stats()
			b.ReportMetric(float64(st.BytesOut)/float64(st.BytesIn), "size")
		})
		b.Run(fmt.Sprintf("load %d", n), func(b *testing.B) {
			for b.Loop() {
				s.Load(b.Context(), r.ID)
			}
		})
	}
}

func newRecord(data []byte) store.Record {
	return store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "grace", Data: data}
}

// text returns n bytes that compress to about half.
func text(n int) []byte {
	src := rand.New(rand.NewPCG(1, uint64(n)))
	words := strings.Fields("theme dark locale cart items sku price currency page role admin visited search name")
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s=%x;", words[src.IntN(len(words))], src.IntN(1000))
	}
	return b.Bytes()[:n]
}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	src := rand.NewChaCha8([32]byte{byte(n)})
	b := make([]byte, n)
	src.Read(b)
	return b
}

func TestNew_Refuses(t *testing.T) {
	inner := memory.New()
	_, err := compress.New(nil)
	require.EqualError(t, err, "compress: no store to wrap")
	for want, opt := range map[string]compress.Option{
		"compress: unknown level 3":                                                     compress.WithLevel(3),
		"compress: unknown level -1":                                                    compress.WithLevel(-1),
		"compress: a minimum size of -1 bytes":                                          compress.WithMinSize(-1),
		"compress: a maximum size of 0 bytes: it must be from 1 to 1073741824":          compress.WithMaxSize(0),
		"compress: a maximum size of 1073741825 bytes: it must be from 1 to 1073741824": compress.WithMaxSize(1<<30 + 1),
	} {
		_, err := compress.New(inner, opt)
		require.EqualError(t, err, want)
	}
	require.NoError(t, inner.Save(t.Context(), newRecord(nil)), "the inner store is still open")
}

func TestSave_WhatIsStored(t *testing.T) {
	mixed := func(n, zeros int) []byte { return append(noise(n-zeros), make([]byte, zeros)...) }
	for name, c := range map[string]struct {
		data []byte
		opts []compress.Option
		form byte
	}{
		"empty":                  {nil, nil, raw},
		"empty, no minimum":      {nil, []compress.Option{compress.WithMinSize(0)}, raw},
		"below the minimum":      {text(1023), nil, raw},
		"at the minimum":         {text(1024), nil, compressed},
		"below another minimum":  {text(599), []compress.Option{compress.WithMinSize(600)}, raw},
		"at another minimum":     {text(600), []compress.Option{compress.WithMinSize(600)}, compressed},
		"one byte":               {[]byte{0}, []compress.Option{compress.WithMinSize(0)}, raw},
		"zeros":                  {make([]byte, 200), []compress.Option{compress.WithMinSize(0)}, compressed},
		"several blocks":         {text(300_000), nil, compressed},
		"several windows, zeros": {make([]byte, 3<<20), nil, compressed},
		"noise":                  {noise(100_000), nil, raw},
		"saves less than 1/8":    {mixed(8000, 900), nil, raw},
		"saves more than 1/8":    {mixed(8000, 3000), nil, compressed},
		"balanced":               {text(2000), []compress.Option{compress.WithLevel(compress.Balanced)}, compressed},
		"none":                   {text(2000), []compress.Option{compress.WithLevel(compress.None)}, raw},
	} {
		t.Run(name, func(t *testing.T) {
			inner := memory.New()
			s := open(t, inner, c.opts...)
			r := newRecord(c.data)
			require.NoError(t, s.Save(t.Context(), r))

			stored, err := inner.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, c.form, stored.Data[0])
			want := compress.Stats{BytesIn: uint64(len(c.data)), BytesOut: uint64(len(stored.Data))}
			if c.form == raw {
				want.Raw = 1
				require.Len(t, stored.Data, 1+len(c.data))
			} else {
				want.Compressed = 1
				require.LessOrEqual(t, len(stored.Data), len(c.data)-len(c.data)/8)
			}
			require.Equal(t, want, s.Stats())

			got, err := s.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.data, got.Data))
			require.Equal(t, r.Owner, got.Owner)
		})
	}
}

// Whatever the level, what another level stored is read.
func TestLoad_OtherLevels(t *testing.T) {
	inner := memory.New()
	levels := []compress.Level{compress.Fastest, compress.Balanced, compress.None}
	var saved []store.Record
	for _, l := range levels {
		r := newRecord(text(5000))
		require.NoError(t, open(t, keepOpen{inner}, compress.WithLevel(l)).Save(t.Context(), r))
		saved = append(saved, r)
	}
	for _, l := range levels {
		s := open(t, keepOpen{inner}, compress.WithLevel(l))
		for _, r := range saved {
			got, err := s.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, r.Data, got.Data)
		}
	}
}

// keepOpen is a store that several others are put around, one after the other.
type keepOpen struct{ store.Store }

func (keepOpen) Close() error { return nil }

func TestSave_TooLarge(t *testing.T) {
	s := open(t, memory.New(), compress.WithMaxSize(5000))
	r := newRecord(text(5001))
	err := s.Save(t.Context(), r)
	require.ErrorIs(t, err, store.ErrTooLarge)
	require.ErrorContains(t, err, "compress: record "+r.ID.String())
	require.ErrorContains(t, err, "5001 bytes, the limit is 5000")
	_, err = s.Load(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrNotFound)

	r.Data = r.Data[:5000]
	require.NoError(t, s.Save(t.Context(), r))
	got, err := s.Load(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.Data, got.Data)
}

// Small limits meet the least window of the format, which is larger.
func TestSave_SmallLimits(t *testing.T) {
	for _, n := range []int{1, 255, 256, 257, 1000, 1024, 1025, 2048} {
		s := open(t, memory.New(), compress.WithMaxSize(n), compress.WithMinSize(0))
		r := newRecord(bytes.Repeat([]byte{7}, n))
		require.NoError(t, s.Save(t.Context(), r))
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err, "%d bytes", n)
		require.Equal(t, r.Data, got.Data)
	}
}

func TestList_Unpacks(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	want := map[store.ID]string{}
	for i := range 5 {
		r := newRecord(text(3000 + i))
		require.NoError(t, s.Save(t.Context(), r))
		want[r.ID] = string(r.Data)
	}
	got := map[store.ID]string{}
	for r, err := range s.List(t.Context(), "grace") {
		require.NoError(t, err)
		got[r.ID] = string(r.Data)
	}
	require.Equal(t, want, got)

	for range s.List(t.Context(), "") {
		break
	}
}

// A record that does not unpack costs one record, not the list.
func TestList_GoesOnAfterDamage(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	bad := newRecord([]byte("no format byte"))
	require.NoError(t, inner.Save(t.Context(), bad))
	for range 5 {
		require.NoError(t, s.Save(t.Context(), newRecord(text(3000))))
	}
	good := 0
	for r, err := range s.List(t.Context(), "grace") {
		if r.ID == bad.ID {
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.Equal(t, store.Record{ID: bad.ID}, r)
			continue
		}
		require.NoError(t, err)
		good++
	}
	require.Equal(t, 5, good)
}
