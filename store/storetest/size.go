package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// mebibyte is the largest record that the session manager saves by default.
const mebibyte = 1 << 20

func saveSizes(t tester, open func() store.Store) {
	s := open()
	var records []store.Record
	for _, size := range []int{0, 1, 2, 100, 511, 512, 4095, 4096, 4097, 70_000, mebibyte} {
		for _, data := range contents(size) {
			r := newRecord("alice", "")
			r.Data = data
			records = append(records, r)
		}
	}
	stored := records[:0]
	for _, r := range records {
		if fits(t, s, r) {
			stored = append(stored, r)
		}
	}
	holds(t, s, stored...)
	lists(t, s, "alice", stored...)

	// From each size to every other: shrinking and growing.
	r := newRecord("bob", "")
	save(t, s, r)
	for _, size := range []int{70_000, 1, 5_000, 0, 300} {
		r = next(r, "")
		r.Data = contents(size)[0]
		save(t, s, r)
		holds(t, s, r)
	}
}

// fits saves r and reports whether the store took it, which only a mebibyte
// may be too large for.
func fits(t tester, s store.Store, r store.Record) bool {
	t.Helper()
	err := s.Save(t.Context(), r)
	if len(r.Data) >= mebibyte && errors.Is(err, store.ErrTooLarge) {
		lacks(t, s, r)
		return false
	}
	require.NoError(t, err, "save %d bytes", len(r.Data))
	return true
}

// contents returns data of one size: noise, a single byte repeated, prose, and what
// begins like a compressed frame of zstd, gzip and s2.
func contents(size int) [][]byte {
	if size == 0 {
		return [][]byte{nil, {}}
	}
	noise := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size)})
	random.Read(noise)
	all := [][]byte{
		noise,
		make([]byte, size),
		bytes.Repeat([]byte{0xFF}, size),
		bytes.Repeat(fmt.Appendf(nil, "cart %d; ", size), size/6+1)[:size],
	}
	for _, magic := range []string{"\x28\xb5\x2f\xfd", "\x37\xa4\x30\xec", "\x1f\x8b", "\xff\x06\x00\x00S2sTwO"} {
		all = append(all, append([]byte(magic), noise...)[:size])
	}
	return all
}
