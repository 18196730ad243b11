package gimlet

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	colour  string
	palette []colour
	prices  map[colour]cents
	cents   int64
	stamps  []time.Time
	bag     map[string]any

	address struct {
		Street string
		City   string `json:"city"`
	}
	customer struct {
		ID      int `cbor:"1,keyasint"`
		Name    string
		Born    time.Time
		Address *address
		Orders  []order
		Tags    map[string]colour
		Site    *url.URL
		IP      netip.Addr
		Total   *big.Int
		Secret  string `json:"-"`
		Parent  *customer
	}
	order struct {
		Lines map[int]int
		Paid  bool
	}
	tree struct {
		Name     string
		Children []*tree
	}
	nested []nested

	// jsonOnly has exported fields, and methods that CBOR does not know.
	jsonOnly struct{ X int }
	// level has text methods, one with a value and one with a pointer receiver.
	level uint8
	// blob has binary and text methods, with pointer receivers.
	blob struct{ data string }
)

func (j jsonOnly) MarshalJSON() ([]byte, error)  { return json.Marshal([]int{j.X}) }
func (j *jsonOnly) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &[]*int{&j.X}) }
func (l level) MarshalText() ([]byte, error)     { return fmt.Appendf(nil, "level %d", l), nil }
func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level %d", l)
	return err
}
func (b *blob) MarshalBinary() ([]byte, error)    { return []byte("\xff" + b.data), nil }
func (b *blob) UnmarshalBinary(data []byte) error { b.data = string(data[1:]); return nil }
func (b *blob) MarshalText() ([]byte, error)      { return []byte("text " + b.data), nil }
func (b *blob) UnmarshalText(text []byte) error   { b.data = string(text[5:]); return nil }
func mustParse[T any](f func(string) (T, error)) func(string) T {
	return func(s string) T {
		v, err := f(s)
		if err != nil {
			panic(err)
		}
		return v
	}
}

// typedValues come back whole into their own type.
func typedValues() []any {
	site := mustParse(url.Parse)("https://example.com/a?b=c#d")
	ip := mustParse(netip.ParseAddr)("2001:db8::1")
	ada := customer{
		ID: 7, Name: "Ada", Born: time.Date(1815, 12, 10, 1, 2, 3, 4, time.UTC),
		Address: &address{"St James's Square", "London"}, Orders: []order{{map[int]int{1: 2}, true}, {}},
		Tags: map[string]colour{"eyes": "brown"}, Site: site, IP: ip,
		Total: new(big.Int).Lsh(big.NewInt(-3), 90), Parent: &customer{Name: "Byron"},
	}
	return []any{
		colour("red"), palette{"red", ""}, palette(nil), prices{"red": 5}, cents(-3), stamps{{}},
		bag{"int": 1, "int8": int8(1)}, time.March, [3]int{1, 2, 3}, [16]byte{1, 15: 2}, [2]any{1, "x"}, [0]int{},
		[2][]any{{int8(1)}, nil}, [1]time.Time{}, map[string][2]any{"a": {uint(1), nil}},
		ada, []customer{ada, {}}, map[string]customer{"ada": ada}, map[string][]order{"a": {{Paid: true}}},
		[2]order{{Paid: true}}, []*order{nil, {Paid: true}}, map[any]order{1: {Paid: true}},
		tree{"root", []*tree{{"leaf", nil}, nil}}, nested{nested{}, nested{nested{}}}, order{},
		*site, ip, []netip.Addr{ip}, map[netip.Addr]int{ip: 1}, *big.NewInt(5), []*big.Int{nil, big.NewInt(-9)},
		map[[2]int]string{{1, 2}: "a"}, map[address]string{{"s", "c"}: "a"},
		jsonOnly{5}, []jsonOnly{{6}}, level(3), []level{1, 2}, [2]level{1, 2}, map[level]level{1: 2}, blob{"b"}, []blob{{"a"}},
		struct{ B blob }{blob{"in a struct"}}, struct{ error }{}, json.RawMessage(`{"a":1}`),
	}
}

func TestDecodeInto_wholeTypes(t *testing.T) {
	for _, codec := range []Codec{CBOR(), wrappedCBOR{CBOR()}} {
		for _, want := range typedValues() {
			checkTyped(t, codec, want)
		}
	}
}

func TestDecodeInto_wholeTypesInJSON(t *testing.T) {
	for _, want := range typedValues() {
		switch want.(type) {
		case map[[2]int]string, map[address]string:
			_, err := encodeValue(jsonCodec{}, want)
			require.Error(t, err, "JSON has no such keys")
		case customer, []customer, map[string]customer: // their tags are for CBOR
		default:
			checkTyped(t, jsonCodec{}, want)
		}
	}
}

// checkTyped checks that v, and a pointer to v, come back into a v, into a
// pointer and into a pointer to a pointer.
func checkTyped(t *testing.T, codec Codec, v any) {
	t.Helper()
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	for _, set := range []any{v, p.Interface()} {
		enc, err := encodeValue(codec, set)
		require.NoError(t, err, "%T", v)
		_, err = decodeAny(codec, enc)
		switch v.(type) {
		case map[address]string, map[[2]int]string:
			require.Error(t, err, "general forms cannot be keys")
		default:
			require.NoError(t, err, "%T untyped", v)
		}
		dst := reflect.New(reflect.PointerTo(p.Type()))
		require.NoError(t, decodeInto(codec, enc, dst.Interface()), "%T", v)
		require.NoError(t, decodeInto(codec, enc, dst.Elem().Interface()), "%T", v)
		got := dst.Elem().Elem().Elem().Interface()
		require.NoError(t, decodeInto(codec, enc, dst.Elem().Elem().Interface()), "%T, onto what is there", v)
		require.True(t, reflect.DeepEqual(v, got), "%T: want %+v, got %+v", v, v, got)
	}
}

func TestDecodeInto_nil(t *testing.T) {
	enc, err := encodeValue(CBOR(), (*customer)(nil))
	require.NoError(t, err)
	v, err := decodeAny(CBOR(), enc)
	require.NoError(t, err)
	require.Nil(t, v)

	pointer, list, table, anything := new(int), []int{1}, map[string]int{"a": 1}, any(1)
	for _, dst := range []any{&pointer, &list, &table, &anything} {
		require.NoError(t, decodeInto(CBOR(), enc, dst))
		require.True(t, reflect.ValueOf(dst).Elem().IsZero(), "%T", dst)
	}
	number, text := 1, "x"
	for _, dst := range []any{&number, &text, &customer{Name: "x"}, &[1]int{1}} {
		var mismatch *ValueError
		require.ErrorAs(t, decodeInto(CBOR(), enc, dst), &mismatch)
		require.Equal(t, "nil", mismatch.Stored)
		require.True(t, reflect.ValueOf(dst).Elem().IsZero(), "nothing of the old value is left")
	}
}

func TestDecodeInto_any(t *testing.T) {
	enc, err := encodeValue(CBOR(), map[string]any{"a": int8(1)})
	require.NoError(t, err)
	var v any = "old"
	require.NoError(t, decodeInto(CBOR(), enc, &v))
	require.Equal(t, map[string]any{"a": int8(1)}, v)
	var p *any
	require.NoError(t, decodeInto(CBOR(), enc, &p))
	require.Equal(t, v, *p)
}

func TestDecodeInto_otherType(t *testing.T) {
	for _, c := range []struct {
		set, dst     any
		stored, read string
	}{
		{1, new(int64), "int", "int64"},
		{int64(1), new(int), "int64", "int"},
		{1, new(string), "int", "string"},
		{"x", new(int), "string", "int"},
		{"x", new([]byte), "string", "[]uint8"},
		{true, new(int), "bool", "int"},
		{1, new(bool), "int", "bool"},
		{uint8(1), new(int8), "uint8", "int8"},
		{int64(1), new(time.Duration), "int64", "time.Duration"},
		{time.Second, new(int64), "time.Duration", "int64"},
		{time.Now(), new(string), "time.Time", "string"},
		{float32(1), new(float64), "float32", "float64"},
		{[]int{1}, new([]int64), "[]int", "[]int64"},
		{[]int{1}, new([]any), "[]int", "[]interface {}"},
		{[]any{1}, new([]int), "[]any", "[]int"},
		{map[string]any{"a": 1}, new(map[string]int), "map[string]any", "map[string]int"},
		{map[string]any{"Street": "x"}, new(address), "map[string]any", "gimlet.address"},
		{address{}, new(map[string]any), "struct", "map[string]interface {}"},
		{address{}, new(int), "struct", "int"},
		{1, new(address), "int", "gimlet.address"},
		{[]address{{}}, new([]int), "[]struct", "[]int"},
		{[2]int{1, 2}, new([3]int), "array of int", "[3]int"},
		{[2]int{1, 2}, new([]int), "array of int", "[]int"},
		{[]*int{nil}, new([]int), "[]*int", "[]int"},
		{map[int][]string{}, new(*int), "map[int][]string", "*int"},
		{colour("red"), new(cents), "string", "gimlet.cents"},
	} {
		enc, err := encodeValue(CBOR(), c.set)
		require.NoError(t, err)
		err = decodeInto(CBOR(), enc, c.dst)
		require.EqualError(t, err, "gimlet: stored as "+c.stored+", read as "+c.read)
		require.NoError(t, errors.Unwrap(err))
		require.True(t, reflect.ValueOf(c.dst).Elem().IsZero())
	}
}

// Types that say the same mean the same, so that programs can rename them.
func TestDecodeInto_sameUnderneath(t *testing.T) {
	type newAddress struct {
		City    string `cbor:"city"`
		Country string
	}
	for _, c := range []struct{ set, want any }{
		{"red", colour("red")},
		{colour("red"), "red"},
		{[]string{"red"}, palette{"red"}},
		{prices{"red": 1}, map[string]int64{"red": 1}},
		{map[string]any{"a": 1}, bag{"a": 1}},
		{address{"Mill Lane", "London"}, newAddress{City: "London"}},
		{[]address{{City: "Rome"}}, []*newAddress{{City: "Rome"}}},
	} {
		enc, err := encodeValue(CBOR(), c.set)
		require.NoError(t, err)
		dst := reflect.New(reflect.TypeOf(c.want))
		require.NoError(t, decodeInto(CBOR(), enc, dst.Interface()))
		require.Equal(t, c.want, dst.Elem().Interface())
	}
}

func TestDecodeInto_impossibleType(t *testing.T) {
	enc, err := encodeValue(CBOR(), 1)
	require.NoError(t, err)
	type endless *endless
	for _, dst := range []any{new(chan int), new(fmt.Stringer), new(endless), new(complex64)} {
		require.ErrorContains(t, decodeInto(CBOR(), enc, dst), "unsupported type")
	}
}

func TestDecodeAny_generalForms(t *testing.T) {
	require.Equal(t, "red", roundTrip(t, colour("red")))
	require.Equal(t, []string{"red"}, roundTrip(t, palette{"red"}))
	require.Equal(t, map[string]any{"a": int8(1)}, roundTrip(t, bag{"a": int8(1)}))
	require.Equal(t, 5, roundTrip(t, pointerTo(pointerTo(5))))
	require.Equal(t, []int{1, 2}, roundTrip(t, [2]int{1, 2}), "arrays are slices")
	require.Equal(t, []any{1, "x"}, roundTrip(t, [2]any{1, "x"}))
	require.Equal(t, "level 3", roundTrip(t, level(3)))
	require.Equal(t, []byte("\xffb"), roundTrip(t, blob{"b"}), "binary before text")
	require.Equal(t, []any{map[string]any{"Street": "s", "city": "c"}, nil}, roundTrip(t, []*address{{"s", "c"}, nil}))
	require.Equal(t, map[string]any{"Lines": map[any]any{int64(1): int64(2)}, "Paid": true},
		roundTrip(t, order{map[int]int{1: 2}, true}))
	born := time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
	require.Equal(t, born, roundTrip(t, customer{Born: born}).(map[any]any)["Born"])
}
