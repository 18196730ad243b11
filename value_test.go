package gimlet

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exactValues come back with the same Go type, untyped too, in every codec
// that the tests use.
var exactValues = []any{
	nil,
	true, false,
	"", "text", "päivää ☕", "\x00\n\"",
	[]byte(nil), []byte{}, []byte{0, 0xff, 0x80},
	0, 1, -1, 23, 24, 255, 256, 65535, 65536, math.MaxInt32, math.MinInt32,
	int8(-128), int8(127), int16(math.MinInt16), int32(math.MinInt32), int32('é'),
	int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxUint32) + 1,
	uint(7), uint8(255), uint16(65535), uint32(math.MaxUint32), uint64(math.MaxUint64),
	float32(0.1), float32(math.MaxFloat32), float32(math.SmallestNonzeroFloat32), float32(1.5),
	0.0, 0.1, 1.5, -2.25e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi,
	time.Duration(0), 90 * time.Minute, time.Duration(math.MinInt64),
	struct{}{},

	[]bool{true, false}, []string{"a", "", "c"}, []int{}, []int(nil), []int{3, -2, 1},
	[]int8{-1}, []int16{2}, []int32{3}, []int64{4}, []uint{5}, []uint16{6}, []uint32{7}, []uint64{8},
	[]float32{0.1}, []float64{0.1}, []time.Duration{time.Second},
	[][]byte{nil, {}, {1}}, [][]int{{1}, nil, {}}, [][][]string{{{"deep"}}},
	map[string]int(nil), map[string]int{}, map[string]int{"a": 1, "b": -2},
	map[int]string{1: "one", -1: "minus one"}, map[uint8]bool{200: true}, map[int64][]byte{1: {2}},
	map[string][]int{"x": {1, 2}, "nil": nil}, map[string]map[string]float64{"a": {"b": 0.5}},
	map[time.Duration]string{time.Second: "1s"}, map[string]struct{}{"member": {}},
	[]*int{nil, pointerTo(5)}, map[string]*string{"p": pointerTo("s"), "n": nil},
	[]*[]int{pointerTo([]int{1})},

	[]any{}, []any(nil), map[string]any{}, map[string]any(nil),
	[]any{nil, 1, int8(1), uint64(1), "1", []byte{1}, 1.0, float32(1), true, time.Second},
	[]any{[]any{[]any{uint16(1)}}, map[string]any{"m": map[int]any{1: int32(2)}}, []int{1}},
	map[string]any{"int": 1, "list": []any{1, "x"}, "nil": nil, "map": map[string]int{"a": 1}},
	map[any]any{"s": 1, 1: "i", int8(1): "i8", true: nil, time.Second: []any{1}},
	map[any]string{nil: "nil", 1.5: "float"}, [][]any{{1}, nil}, map[string][]any{"a": {uint(1)}},
	[]*any{nil, pointerTo(any(int8(3)))}, []map[string]any{{"a": int8(1)}},
}

func pointerTo[T any](v T) *T { return &v }

func TestValue_exact(t *testing.T) {
	for _, codec := range testCodecs {
		for _, want := range exactValues {
			t.Run(fmt.Sprintf("%T/%T=%v", codec, want, want), func(t *testing.T) {
				enc, err := encodeValue(codec, want)
				require.NoError(t, err)
				got, err := decodeAny(codec, enc)
				require.NoError(t, err)
				require.Equal(t, reflect.TypeOf(want), reflect.TypeOf(got))
				require.True(t, reflect.DeepEqual(want, got), "want %#v, got %#v", want, got)

				again, err := encodeValue(codec, got)
				require.NoError(t, err)
				require.Equal(t, enc, again, "equal values give equal bytes")

				if want != nil {
					p := reflect.New(reflect.TypeOf(want))
					require.NoError(t, decodeInto(codec, enc, p.Interface()))
					require.True(t, reflect.DeepEqual(want, p.Elem().Interface()), "typed: want %#v, got %#v", want, p.Elem())
				}
			})
		}
	}
}

// The types that JSON does not know: as keys of maps, or at all.
func TestValue_exactInCBOR(t *testing.T) {
	for _, want := range []any{
		"\xff\xfe not UTF-8", []string{"\xff"}, map[string]int{"\xff": 1},
		math.Inf(1), math.Inf(-1), float32(math.Inf(1)), []float64{math.Inf(-1)},
		math.Copysign(0, -1),
		map[bool]int{true: 1}, map[float64]string{0.5: "half"}, map[float32]int{0.1: 1},
	} {
		got := roundTrip(t, want)
		require.Equal(t, want, got)
		if f, ok := want.(float64); ok {
			require.Equal(t, math.Signbit(f), math.Signbit(got.(float64)))
		}
	}
	require.True(t, math.IsNaN(roundTrip(t, math.NaN()).(float64)))
	require.True(t, math.IsNaN(float64(roundTrip(t, float32(math.NaN())).(float32))))
}

func roundTrip(t *testing.T, v any) any {
	t.Helper()
	enc, err := encodeValue(CBOR(), v)
	require.NoError(t, err)
	got, err := decodeAny(CBOR(), enc)
	require.NoError(t, err)
	return got
}

func TestValue_time(t *testing.T) {
	now := time.Now()
	amsterdam1930 := time.FixedZone("", 19*60+32)
	times := []time.Time{
		{}, now, now.UTC(), now.In(time.FixedZone("", 5*3600+1800)), now.In(time.FixedZone("", -11*3600)),
		time.Date(1930, 5, 1, 12, 0, 0, 1, amsterdam1930), time.Time{}.In(amsterdam1930),
		time.Unix(1<<40, 999999999).UTC(), time.Unix(-1<<40, 1).UTC(),
		time.Unix(1<<63-62135596801, 999999999).UTC(),
	}
	same := func(want, got time.Time) {
		t.Helper()
		require.True(t, want.Equal(got), "%s is not %s", got, want)
		_, wantOffset := want.Zone()
		_, gotOffset := got.Zone()
		require.Equal(t, wantOffset, gotOffset)
	}
	for _, codec := range testCodecs {
		for _, want := range times {
			enc, err := encodeValue(codec, want)
			require.NoError(t, err)
			got, err := decodeAny(codec, enc)
			require.NoError(t, err)
			same(want, got.(time.Time))
			var typed time.Time
			require.NoError(t, decodeInto(codec, enc, &typed))
			same(want, typed)
		}
		enc, err := encodeValue(codec, map[time.Time][]time.Time{times[5]: times})
		require.NoError(t, err)
		got, err := decodeAny(codec, enc)
		require.NoError(t, err)
		for key, list := range got.(map[time.Time][]time.Time) {
			same(times[5], key)
			require.Len(t, list, len(times))
			for i := range list {
				same(times[i], list[i])
			}
		}
	}
	require.NotContains(t, roundTrip(t, now).(time.Time).String(), "m=", "no monotonic part")
}

// What was set is a snapshot, and what is read is the reader's own.
func TestValue_sharesNothing(t *testing.T) {
	type item struct {
		Tags []string
		Data []byte
	}
	for _, codec := range testCodecs {
		original := map[string]any{
			"bytes": []byte("abc"), "list": []int{1, 2}, "map": map[string]int{"a": 1}, "item": item{Tags: []string{"t"}},
		}
		enc, err := encodeValue(codec, original)
		require.NoError(t, err)
		first, err := decodeAny(codec, enc)
		require.NoError(t, err)

		for _, changed := range []map[string]any{original, first.(map[string]any)} {
			changed["bytes"].([]byte)[0] = 'X'
			changed["list"].([]int)[0] = 99
			changed["map"].(map[string]int)["a"] = 99
			delete(changed, "item")
		}
		second, err := decodeAny(codec, enc)
		require.NoError(t, err)
		require.Equal(t, map[string]any{
			"bytes": []byte("abc"), "list": []int{1, 2}, "map": map[string]int{"a": 1},
			"item": second.(map[string]any)["item"],
		}, second)
		require.Contains(t, second.(map[string]any)["item"], "Tags")

		enc, err = encodeValue(codec, []byte("abc"))
		require.NoError(t, err)
		var typed []byte
		require.NoError(t, decodeInto(codec, enc, &typed))
		clear(enc)
		require.Equal(t, "abc", string(typed), "nothing of the stored form is kept")
	}
}

func TestValue_concurrent(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, want := range exactValues {
				enc, err := encodeValue(CBOR(), want)
				if err != nil {
					t.Error(err)
				}
				if got, err := decodeAny(CBOR(), enc); err != nil || !reflect.DeepEqual(want, got) {
					t.Errorf("want %#v, got %#v, %v", want, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestValue_deterministic(t *testing.T) {
	shuffled := func() any {
		m, nested := make(map[string]any), make(map[any]int)
		for _, i := range rand.Perm(50) {
			m[fmt.Sprint("key", i)] = i
			nested[i] = i
		}
		m["nested"] = nested
		return m
	}
	for _, codec := range testCodecs {
		want, err := encodeValue(codec, shuffled())
		require.NoError(t, err)
		for range 20 {
			got, err := encodeValue(codec, shuffled())
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestValue_unsignedInGeneralForm(t *testing.T) {
	type row struct {
		Small, Large uint64
		Lists        []map[string]uint64
		Huge         *big.Int
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 100)
	v := row{1, math.MaxUint64, []map[string]uint64{{"x": math.MaxUint64}}, huge}
	want := map[string]any{
		"Small": int64(1), "Large": uint64(math.MaxUint64), "Huge": huge,
		"Lists": []any{map[string]any{"x": uint64(math.MaxUint64)}},
	}
	require.Equal(t, want, roundTrip(t, v))
	require.Equal(t, []any{want}, roundTrip(t, []row{v}))
	require.Equal(t, map[int]any{1: want}, roundTrip(t, map[int]row{1: v}))
}
