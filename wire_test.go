package gimlet

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was appended is read again, field by field, and then the end is there.
func TestReader_roundTrip(t *testing.T) {
	b := []byte{7}
	b = binary.AppendUvarint(b, math.MaxUint64)
	b = appendMillis(b, maxMillis)
	b = appendMillis(b, -5) // a clock that was set back
	b = appendBlock(b, []byte("block"))
	b = appendBlock(b, nil)
	b = append(b, "tail"...)

	r := reader{b: b}
	require.Equal(t, byte(7), r.byte())
	require.Equal(t, uint64(math.MaxUint64), r.uvarint())
	require.Equal(t, int64(maxMillis), r.millis())
	require.Zero(t, r.millis())
	require.Equal(t, "block", string(r.block()))
	require.Empty(t, r.block())
	var tail [4]byte
	r.into(tail[:])
	require.Equal(t, "tail", string(tail[:]))
	require.NoError(t, r.end())
}

// What is left over at the end is an error.
func TestReader_leftOver(t *testing.T) {
	r := reader{b: []byte{1, 2}}
	r.byte()
	require.ErrorIs(t, r.end(), errMalformed)
}

// After the first bad field every method returns zero values, and the end is
// an error.
func TestReader_badFields(t *testing.T) {
	bad := map[string]func(r *reader){
		"byte":             func(r *reader) { r.b = nil; r.byte() },
		"uvarint, none":    func(r *reader) { r.b = nil; r.uvarint() },
		"uvarint, cut off": func(r *reader) { r.b = []byte{0x80}; r.uvarint() },
		"uvarint, too big": func(r *reader) { r.b = bytes.Repeat([]byte{0xff}, 11); r.uvarint() },
		"millis, too far":  func(r *reader) { r.b = binary.AppendUvarint(nil, maxMillis+1); r.millis() },
		"block, short":     func(r *reader) { r.b = []byte{3, 'a', 'b'}; r.block() },
		"block, huge":      func(r *reader) { r.b = binary.AppendUvarint(nil, math.MaxUint64); r.block() },
		"into":             func(r *reader) { r.b = []byte{1}; r.into(make([]byte, 2)) },
	}
	for name, read := range bad {
		var r reader
		read(&r)
		require.True(t, r.bad, name)
		r.b = []byte{1, 1, 1, 1}
		require.Zero(t, r.byte(), name)
		require.Zero(t, r.uvarint(), name)
		require.Zero(t, r.millis(), name)
		require.Empty(t, r.block(), name)
		dst := []byte{9}
		r.into(dst)
		require.Equal(t, []byte{9}, dst, name)
		require.ErrorIs(t, r.end(), errMalformed, name)
	}
}

// A block that is read cannot be appended to over what follows it.
func TestReader_blockIsApart(t *testing.T) {
	r := reader{b: append(appendBlock(nil, []byte("ab")), 'z')}
	block := r.block()
	_ = append(block, 'x')
	require.Equal(t, byte('z'), r.byte())
}
