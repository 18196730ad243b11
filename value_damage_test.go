package gimlet

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a file or a cookie contains, reading it gives a value or an error,
// and takes memory in proportion to its size.
func TestDecode_anyBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	sound := soundForms(t)
	damaged := 0
	for i := range 100_000 {
		enc := mutated(rng, sound)
		codec := testCodecs[i%2]
		v, err := decodeAny(codec, enc)
		if _, ok := err.(*ValueError); ok != (err != nil) || ok && v != nil {
			t.Fatalf("%x: %v, %v", enc, v, err)
		}
		if err != nil {
			damaged++
		}
		targets := [...]any{new(int), new([]any), new(map[string]any), new(customer), new([2]any), new(*tree)}
		err = decodeInto(codec, enc, targets[rng.IntN(len(targets))])
		if _, ok := err.(*ValueError); ok != (err != nil) {
			t.Fatalf("%x: %v", enc, err)
		}
	}
	require.Greater(t, damaged, 20_000)
	require.Less(t, damaged, 95_000)
}

func soundForms(t *testing.T) [][]byte {
	var forms [][]byte
	for _, v := range append(typedValues(), exactValues...) {
		enc, err := encodeValue(CBOR(), v)
		require.NoError(t, err)
		forms = append(forms, enc)
	}
	return forms
}

// mutated returns one of the sound forms with a few bytes changed, cut off,
// put in or taken from another one; or bytes of no sense at all.
func mutated(rng *rand.Rand, sound [][]byte) []byte {
	if rng.IntN(10) == 0 {
		return randomBytes(rng, rng.IntN(40))
	}
	b := append([]byte(nil), sound[rng.IntN(len(sound))]...)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(b))
		switch rng.IntN(6) {
		case 0:
			b[at] ^= 1 << rng.IntN(8)
		case 1:
			b[at] = byte(rng.Uint32())
		case 2:
			b[at] = byte(rng.IntN(28)) // a kind
		case 3:
			b = b[:at+1]
		case 4:
			b = append(b[:at:at], append(randomBytes(rng, 1+rng.IntN(4)), b[at:]...)...)
		case 5:
			other := sound[rng.IntN(len(sound))]
			b = append(b[:at:at], other[rng.IntN(len(other)):]...)
		}
		if len(b) == 0 {
			return b
		}
	}
	return b
}

func TestDecode_boundedMemory(t *testing.T) {
	lying := func(descriptor string, head ...byte) []byte {
		return append([]byte(descriptor), append(head, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)...)
	}
	for name, enc := range map[string][]byte{
		"string":                 lying("\x03", 0x7a),
		"bytes":                  lying("\x04", 0x5a),
		"ints":                   lying("\x16\x05", 0x9a),
		"anys":                   lying("\x16\x14", 0x9a),
		"map":                    lying("\x18\x03\x05", 0xba),
		"struct":                 lying("\x15", 0xba),
		"array of endless ints":  lying("\x17\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x05", 0x80),
		"array of endless times": lying("\x17\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x11", 0x80),
		"list in a list":         lying("\x16\x16\x16\x16\x05", 0x81, 0x81, 0x81, 0x9a),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodeAny(CBOR(), enc)
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

// A value can hold only so many values in values, however it was written.
func TestDecode_depth(t *testing.T) {
	enc := []byte{byte(kindInt), 1}
	for range maxDepth + 1 {
		list := appendCBORHead([]byte{byte(kindSlice), byte(kindAny), 0x81}, cborBytes, uint64(len(enc)))
		enc = append(list, enc...)
	}
	_, err := decodeAny(CBOR(), enc)
	require.ErrorIs(t, err, errDeep)
}

func TestDecode_damagedElements(t *testing.T) {
	for name, enc := range map[string]string{
		"a time of the wrong length":    "\x11\x43abc",
		"a time with too many seconds":  "\x11\x4f\x01\x00\x00\x00\x0e\xdd\x71\xa8\xc0\xff\xff\xff\xff\xff\xff",
		"no time at all":                "\x16\x11\x81\xf6",
		"no any at all":                 "\x16\x14\x81\xf6",
		"an empty any":                  "\x16\x14\x81\x40",
		"a damaged any":                 "\x16\x14\x81\x42\x05\x61",
		"a key that is not base64":      "\x18\x14\x05\xa1\x61!\x01",
		"a key of damaged form":         "\x18\x14\x05\xa1\x62AA\x01",
		"a list as key":                 "\x18\x14\x05\xa1\x64FgWA\x01",
		"a damaged element of a map":    "\x18\x03\x14\xa1\x61a\x41\x00",
		"a damaged element of pointers": "\x16\x19\x14\x81\x41\x00",
	} {
		_, err := decodeAny(CBOR(), []byte(enc))
		require.Error(t, err, name)
	}
	var pair [2]any
	require.ErrorIs(t, decodeInto(CBOR(), []byte("\x17\x02\x14\x81\x42\x05\x01"), &pair), errDamaged)
}

func TestShapeCache_bounded(t *testing.T) {
	var c shapeCache
	for i := range 2 * maxCachedShapes {
		s := leafShape(kindInt, leafTypes[kindInt])
		s.descriptor = []byte{byte(i), byte(i >> 8)}
		c.put(s)
	}
	require.Len(t, c.shapes, maxCachedShapes)
	require.NotNil(t, c.get([]byte{1, 0}))
	require.Nil(t, c.get([]byte{0xff, 0xff}))
}
