package fuzz_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// A scan takes one of the forms of docs/format.md apart. After the first bad
// part it is broken.
type scan struct {
	rest   []byte
	broken bool
}

func (s *scan) take(n uint64) []byte {
	if s.broken || n > uint64(len(s.rest)) {
		s.broken = true
		return nil
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

// uvarint accepts the shortest form alone.
func (s *scan) uvarint() uint64 {
	v, n := binary.Uvarint(s.rest)
	if n <= 0 || n > 1 && s.rest[n-1] == 0 {
		s.broken = true
		return 0
	}
	s.take(uint64(n))
	return v
}

func (s *scan) block() []byte { return s.take(s.uvarint()) }

// frame reports whether all that is left is a frame as it must be.
func (s *scan) frame() bool {
	last, first := "", true
	for ; !s.broken && len(s.rest) > 0; first = false {
		key := string(s.block())
		s.block()
		if !first && key <= last {
			return false
		}
		last = key
	}
	return !s.broken
}

// orderly reports whether both payloads hold nothing but values in the order
// in which they must be.
func orderly(first, second []byte) bool {
	one, two := scan{rest: first}, scan{rest: second}
	one.take(1)
	flags := one.take(1)
	for range 8 {
		one.uvarint()
	}
	one.take(16 + 16)
	if !one.broken && flags[0]&flagBound != 0 {
		one.take(8)
	}
	two.take(1 + 16 + 8)
	for _, s := range []*scan{&one, &two} {
		client := scan{rest: s.block()}
		if s.broken || !client.frame() || !s.frame() {
			return false
		}
	}
	return true
}

func TestOrderly(t *testing.T) {
	ordered := frame(pair{"a", number(1)}, pair{"b", nil})
	first := func(flags byte, f []byte) []byte { return payload(head{flags: flags}, store.ID{}, [16]byte{}, f, f) }
	second := func(f []byte) []byte { return transient(store.ID{}, [8]byte{}, f, f) }
	require.True(t, orderly(first(0, ordered), second(ordered)))
	require.True(t, orderly(first(flagStored, nil), second(nil)))
	for _, f := range [][]byte{
		frame(pair{"b", nil}, pair{"a", nil}), frame(pair{"a", nil}, pair{"a", nil}), {0x81, 0x00, 'a', 0}, {1, 'a'}, {2, 'a'},
	} {
		require.False(t, orderly(first(0, f), second(nil)), "%x", f)
		require.False(t, orderly(first(0, nil), second(f)), "%x", f)
	}
	require.False(t, orderly(nil, nil))
}
