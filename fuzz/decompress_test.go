package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzDecompress has any bytes stored below compression. They are read as no
// more than the limit, with no more memory than they can be worth, or reported
// as corrupt; and the same bytes, saved through compression, come back.
func FuzzDecompress(f *testing.F) {
	for _, seed := range packedSeeds(f) {
		f.Add(seed)
	}
	inner := memory.New()
	wide := openPacking(f, inner)
	narrow := openPacking(f, inner, compress.WithMaxSize(narrowData), compress.WithMinSize(1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := store.Record{ID: storedID, Version: 1, Owner: "alice", Data: data}
		require.NoError(t, inner.Save(t.Context(), r))
		unpacks(t, wide, data, wideData)
		unpacks(t, narrow, data, narrowData)
		require.NoError(t, inner.Delete(t.Context(), r.ID))
		comesBack(t, narrow, r)
		require.NoError(t, inner.Delete(t.Context(), r.ID))
	})
}

const (
	wideData   = 16 << 20 // the limit that is the default
	narrowData = 64 << 10

	// perPackedByte is the most that a byte of compressed data can be worth: a
	// block of 128 KiB has at least three.
	perPackedByte = 44 << 10
)

func openPacking(t testing.TB, inner store.Store, opts ...compress.Option) *compress.Store {
	t.Helper()
	s, err := compress.New(kept{inner}, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// unpacks reads the record, whose stored form is data, in both ways.
func unpacks(t *testing.T, s *compress.Store, data []byte, limit int) {
	t.Helper()
	var got store.Record
	var err error
	bounded(t, len(data), perPackedByte, func() { got, err = s.Load(t.Context(), storedID) })
	if err == nil {
		require.LessOrEqual(t, len(got.Data), max(limit, len(data)-1))
	} else {
		require.True(t, errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrTooLarge), "%v", err)
		require.Zero(t, got)
	}
	for listed, listErr := range s.List(t.Context(), "alice") {
		require.Equal(t, storedID, listed.ID)
		require.Equal(t, err == nil, listErr == nil)
		require.True(t, bytes.Equal(got.Data, listed.Data))
	}
}

// comesBack requires that r can be saved and loaded, unless it is too large.
func comesBack(t *testing.T, s *compress.Store, r store.Record) {
	t.Helper()
	err := s.Save(t.Context(), r)
	if len(r.Data) > narrowData {
		require.ErrorIs(t, err, store.ErrTooLarge)
		return
	}
	require.NoError(t, err)
	got, err := s.Load(t.Context(), r.ID)
	require.NoError(t, err)
	require.True(t, bytes.Equal(r.Data, got.Data))
}

func packedSeeds(t testing.TB) (seeds [][]byte) {
	words := []byte(strings.Repeat("the same words, again and again; ", 60))
	for b := range damaged(packed(t, words), 60) {
		seeds = append(seeds, b)
	}
	for _, size := range []uint64{0, 1, 1979, 1980, 1981, narrowData, narrowData + 1, 128 << 10, wideData, 1 << 40, 1<<64 - 1} {
		seeds = append(seeds, claimed(size, packed(t, words)[3:]))
		for _, blocks := range []int{1, 2, 1000} {
			seeds = append(seeds, claimed(size, zeros(blocks)))
		}
	}
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}
	return append(seeds,
		nil,
		words,
		uncompressed(nil),
		uncompressed(words),
		[]byte{0xa5},
		claimed(4, skippable),
		claimed(1980, append(bytes.Clone(packed(t, words)[3:]), skippable...)),
		claimed(3960, bytes.Repeat(packed(t, words)[3:], 2)),
		make([]byte, narrowData+1),
		packed(t, make([]byte, 2*narrowData)),
		packed(t, make([]byte, wideData)),
	)
}

// claimed puts before a frame that it is the compressed form of size bytes.
func claimed(size uint64, frame []byte) []byte {
	return append(binary.AppendUvarint([]byte{0xa5}, size), frame...)
}

// zeros is a zstd frame that says blocks times that 128 KiB of zeros follow,
// and not how much that is in all.
func zeros(blocks int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 2, 7 << 3}
	for i := range blocks {
		header := uint32(128<<10)<<3 | 1<<1
		if i == blocks-1 {
			header |= 1
		}
		b = append(b, byte(header), byte(header>>8), byte(header>>16), 0)
	}
	return append(b, 1, 2, 3, 4)
}
