package gimlet

import (
	"encoding/hex"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The stored forms are on disk and in cookies: these must not change.
func TestValue_storedForm(t *testing.T) {
	noon := time.Date(2024, 2, 29, 12, 0, 0, 500, time.UTC)
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "01"},
		{true, "02f5"}, {false, "02f4"},
		{"abc", "0363616263"},
		{[]byte("abc"), "0443616263"}, {[]byte(nil), "04f6"},
		{-500, "053901f3"}, {int8(1), "0601"}, {int16(1), "0701"}, {int32(1), "0801"}, {int64(1), "0901"},
		{uint(1), "0a01"}, {uint8(1), "0b01"}, {uint16(1), "0c01"}, {uint32(1), "0d01"}, {uint64(1), "0e01"},
		{float32(1.5), "0ff93e00"}, {1e10, "10fa501502f9"}, {0.1, "10fb3fb999999999999a"},
		{noon, "114f010000000edd7268c0000001f4ffff"}, {time.Second, "121a3b9aca00"}, {struct{}{}, "13a0"},
		{address{"a", "b"}, "15a26463697479616266537472656574" + "6161"},
		{[]int{1, 2}, "1605820102"}, {[]string(nil), "1603f6"}, {[2]int{1, 2}, "170205820102"},
		{[300]struct{}{}, "17ac0213" + "99012c" + strings.Repeat("a0", 300)},
		{map[string]int{"b": 1, "a": 2}, "180305a26161026162" + "01"},
		{[]*int{nil}, "16190581f6"},
		{[]any{1, "x", nil}, "161483" + "420501" + "43036178" + "4101"},
		{map[string]any{"a": []any{}}, "180314a1616143161480"},
		{map[any]bool{1: true}, "181402a163425145f5"},
		{[]time.Time{noon}, "1611814f010000000edd7268c0000001f4ffff"},
		{big.NewInt(5), "1505"}, {level(3), "15676c6576656c2033"},
	} {
		enc, err := encodeValue(CBOR(), c.value)
		require.NoError(t, err)
		require.Equal(t, c.want, hex.EncodeToString(enc), "%T", c.value)
		long, err := encodeValue(wrappedCBOR{CBOR()}, c.value)
		require.NoError(t, err)
		require.Equal(t, enc, long, "%T", c.value)
	}
}

// What is written and read without the codec is what the codec would write
// and read.
func TestScalar_likeTheCodec(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		v := randomValue(rng, leafTypes[kindBool+kind(rng.IntN(int(kindEmpty-kindBool)))]).Interface()
		long, err := encodeValue(wrappedCBOR{CBOR()}, v)
		require.NoError(t, err)
		short, err := encodeValue(CBOR(), v)
		require.NoError(t, err)
		require.Equal(t, long, short, "%T", v)
		require.Equal(t, v, roundTrip(t, v))
	}
	for _, n := range []int{23, 24, 255, 256, 65535, 65536} {
		text := strings.Repeat("x", n)
		require.Equal(t, text, roundTrip(t, text))
		require.Equal(t, []byte(text), roundTrip(t, []byte(text)))
	}
}

// Whatever the bytes, the short way gives what the codec gives, or nothing.
func TestScalar_neverDisagrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		enc := randomBytes(rng, rng.IntN(12))
		if len(enc) > 1 {
			enc[0] = byte(1 + rng.IntN(9))
			enc[1] = enc[1]&0xe0 | byte(rng.IntN(28))
		}
		for _, dst := range []any{new(int), new(int64), new(string), new(bool)} {
			if !decodeScalar(enc, dst) {
				if !reflect.ValueOf(dst).Elem().IsZero() {
					t.Fatalf("%x changed a %T", enc, dst)
				}
				continue
			}
			long := reflect.New(reflect.TypeOf(dst).Elem())
			require.NoError(t, decodeInto(wrappedCBOR{CBOR()}, enc, long.Interface()), "%x", enc)
			require.Equal(t, long.Interface(), dst, "%x", enc)
		}
	}
}

func TestScalar_smallInt(t *testing.T) {
	var v int
	enc := appendCBORHead([]byte{byte(kindInt)}, cborUnsigned, math.MaxInt64)
	err := decodeInto(CBOR(), enc, &v)
	if math.MaxInt == math.MaxInt64 {
		require.NoError(t, err)
		require.Equal(t, int64(math.MaxInt64), int64(v))
	} else {
		require.ErrorContains(t, err, "overflows")
	}
	enc = appendCBORHead([]byte{byte(kindInt)}, cborNegative, math.MaxUint64)
	require.ErrorContains(t, decodeInto(CBOR(), enc, &v), "overflows")
}

func TestDescriptor(t *testing.T) {
	deepest := append(strings.Split(strings.Repeat("[]", maxDepth-1), "")[:0], strings.Repeat("\x16", maxDepth-1)+"\x05")[0]
	for name, c := range map[string]struct {
		enc string
		n   int
	}{
		"empty":                  {"", 0},
		"kind 0":                 {"\x00", 0},
		"unknown kind":           {"\x1a\x05", 0},
		"leaf":                   {"\x05\x01", 1},
		"nil":                    {"\x01", 1},
		"nil with a body":        {"\x01\x01", 0},
		"slice of nil":           {"\x16\x01", 0},
		"slice of nothing":       {"\x16", 0},
		"array without a length": {"\x17", 0},
		"array of endless":       {"\x17\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x05", 0},
		"array":                  {"\x17\x80\x01\x05", 4},
		"map without a key":      {"\x18", 0},
		"map with a slice key":   {"\x18\x16\x05\x05", 0},
		"map with a bytes key":   {"\x18\x04\x05", 0},
		"map with a struct key":  {"\x18\x15\x05", 0},
		"map":                    {"\x18\x03\x16\x05", 4},
		"deepest":                {deepest, maxDepth},
		"too deep":               {"\x16" + deepest, 0},
	} {
		require.Equal(t, c.n, descriptorLen([]byte(c.enc)), name)
		if c.n == 0 {
			_, err := decodeAny(CBOR(), []byte(c.enc))
			require.EqualError(t, err, "gimlet: cannot decode unknown: damaged", name)
			require.ErrorIs(t, decodeInto(CBOR(), []byte(c.enc), new(any)), errDamaged, name)
		}
	}
}

func TestDecodeInto_allocations(t *testing.T) {
	var number int
	var text string
	var flag bool
	for _, c := range []struct {
		set, dst any
		allocs   float64
	}{{12345, &number, 0}, {true, &flag, 0}, {"a text of some length", &text, 1}} {
		enc, err := encodeValue(CBOR(), c.set)
		require.NoError(t, err)
		codec := CBOR()
		require.Equal(t, c.allocs, testing.AllocsPerRun(100, func() {
			if decodeInto(codec, enc, c.dst) != nil {
				panic("decodeInto failed")
			}
		}), "%T", c.set)
	}
}

func BenchmarkEncodeValue(b *testing.B) {
	for name, v := range benchmarkValues() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encodeValue(CBOR(), v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeInto(b *testing.B) {
	for name, v := range benchmarkValues() {
		b.Run(name, func(b *testing.B) {
			enc, err := encodeValue(CBOR(), v)
			require.NoError(b, err)
			dst := reflect.New(reflect.TypeOf(v)).Interface()
			b.ReportAllocs()
			for b.Loop() {
				if err := decodeInto(CBOR(), enc, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeAny(b *testing.B) {
	for name, v := range benchmarkValues() {
		b.Run(name, func(b *testing.B) {
			enc, err := encodeValue(CBOR(), v)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeAny(CBOR(), enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchmarkValues() map[string]any {
	return map[string]any{
		"int": 12345, "string": "ada@example.com", "float64": 0.1, "time": time.Now(),
		"strings": []string{"a", "b", "c"}, "struct": address{"Mill Lane", "London"},
		"map": map[string]any{"id": 1, "name": "Ada", "roles": []string{"admin"}},
	}
}
