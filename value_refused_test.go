package gimlet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

type (
	endless *endless
	list    struct{ Next *list }
	house   struct {
		Rooms []*room
	}
	room struct {
		Name string
		In   *house `cbor:"-"`
		also *house
	}
	opaque   struct{ hidden int }
	oneWay   struct{}
	inner    struct{ X int }
	hasInner struct{ *inner }
	twins    struct{ A, B *twins }

	// note is written as its time says, which knows nothing of the text.
	note struct {
		time.Time
		Text string
	}
	// link has methods of its own for all of its fields.
	link struct {
		*url.URL
		Text string
	}
	// jsonRing has methods that CBOR does not know.
	jsonRing struct{ Next *jsonRing }
	stamp    = time.Time
	// both has two embedded types, whose methods cancel each other out.
	both struct {
		stamp
		netip.Addr
		Next *both
	}
)

func (oneWay) MarshalText() ([]byte, error) { return []byte("there, but not back"), nil }

func (*jsonRing) MarshalJSON() ([]byte, error) { return nil, errRefusing }
func (*jsonRing) UnmarshalText([]byte) error   { return nil }

func (l link) MarshalBinary() ([]byte, error) { return []byte(l.Text + " " + l.String()), nil }
func (l *link) UnmarshalBinary(data []byte) (err error) {
	text, address, _ := bytes.Cut(data, []byte(" "))
	l.Text = string(text)
	l.URL, err = url.Parse(string(address))
	return err
}

type burdened struct {
	refusing
	N int
}

type refusing struct{}

var errRefusing = errors.New("refused")

func (refusing) MarshalBinary() ([]byte, error) { return nil, errRefusing }
func (*refusing) UnmarshalBinary([]byte) error  { return nil }

// What would not come back is refused when it is set, never lost later.
func TestEncodeValue_refuses(t *testing.T) {
	ring := &list{}
	ring.Next = ring
	hoop := &jsonRing{}
	hoop.Next = hoop
	own := []any{1}
	own[0] = own
	table := map[string]any{}
	table["table"] = []any{table}
	var self any
	self = &self
	var pointer endless
	pointer = &pointer
	loop := &both{}
	loop.Next = loop
	lmt := time.Date(1880, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 19*60+32))

	const unsupported, deep = "unsupported type", "contains itself"
	for _, c := range []struct {
		value any
		text  string
	}{
		{make(chan int), unsupported}, {func() {}, unsupported}, {complex(1, 2), unsupported},
		{complex64(1), unsupported}, {uintptr(1), unsupported}, {unsafe.Pointer(nil), unsupported},
		{[]chan int{}, unsupported}, {map[string]func(){}, unsupported}, {[1]complex128{}, unsupported},
		{map[chan int]int{}, unsupported}, {map[*int]int{}, unsupported}, {pointerTo(make(chan int)), unsupported},
		{[]error{nil}, unsupported}, {map[error]int{}, unsupported},
		{[]*any{pointerTo(any(func() {}))}, unsupported}, {[]any{make(chan int)}, unsupported}, {map[any]int{make(chan int): 1}, unsupported},
		{map[string]any{"a": []any{func() {}}}, unsupported},
		{struct{ C chan int }{}, unsupported}, {struct{ E any }{make(chan int)}, unsupported},
		{struct{ P endless }{}, unsupported}, {[]endless{}, unsupported},
		{ring, deep}, {hoop, deep}, {*ring, deep}, {own, deep}, {table, deep}, {self, deep}, {&pointer, deep},
		{struct{ A any }{self}, deep}, {map[string]list{"a": *ring}, deep}, {[]any{ring}, deep},
		{opaque{1}, "no exported fields"}, {[]opaque{{}, {1}}, "no exported fields"},
		{errors.New("x"), "no exported fields"}, {struct{ O any }{opaque{1}}, "no exported fields"},
		{map[opaque]int{{1}: 1}, "no exported fields"},
		{struct{ E error }{&net.AddrError{}}, "could not be decoded again"},
		{oneWay{}, "could not be decoded again"}, {map[string]oneWay{"a": {}}, "could not be decoded again"},
		{hasInner{&inner{}}, "could not be decoded again"},
		{note{Text: "lost"}, "a field Text that"}, {[]*note{{Text: "lost"}}, "a field Text that"},
		{struct{ N note }{note{Text: "lost"}}, "a field Text that"}, {[]any{note{Text: "lost"}}, "a field Text that"},
		{both{Addr: netip.IPv6Loopback()}, "a field Addr that"}, {loop, deep},
		{struct{ T time.Time }{lmt}, "RFC 3339"}, {struct{ T any }{lmt}, "RFC 3339"},
		{struct{ T *time.Time }{pointerTo(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, "RFC 3339"},
		{struct{ T []time.Time }{[]time.Time{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}}, "RFC 3339"},
		{time.Now().In(time.FixedZone("", 40000*60)), "zone offset"},
		{map[time.Time]int{time.Now().In(time.FixedZone("", 40000*60)): 1}, "zone offset"},
	} {
		for _, codec := range []Codec{CBOR(), jsonCodec{}} {
			enc, err := encodeValue(codec, c.value)
			var refused *ValueError
			require.ErrorAs(t, err, &refused, "%T", c.value)
			require.Nil(t, enc)
			require.Equal(t, fmt.Sprintf("%T", c.value), refused.Type)
			require.Empty(t, refused.Stored)
			require.ErrorContains(t, err, "gimlet: cannot encode "+refused.Type+": ")
			if _, json := codec.(jsonCodec); !json {
				require.ErrorContains(t, err, c.text, "%T", c.value)
			}
		}
	}
}

// What the codec alone would make of some of the above: another value, and no
// error to tell of it.
func TestCodec_alone(t *testing.T) {
	lmt := struct{ T time.Time }{time.Date(1880, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 19*60+32))}
	for _, c := range []struct{ in, out any }{
		{&lmt, &struct{ T time.Time }{}},
		{&note{time.Now().UTC().Round(0), "lost"}, &note{}},
		{&opaque{1}, &opaque{}},
		{&[3]int{1, 2, 3}, &[2]int{}},
	} {
		enc, err := CBOR().Marshal(c.in)
		require.NoError(t, err)
		require.NoError(t, CBOR().Unmarshal(enc, c.out))
		require.NotEqual(t, c.in, c.out)
	}
	enc, err := CBOR().Marshal(lmt)
	require.NoError(t, err)
	got := lmt
	require.NoError(t, CBOR().Unmarshal(enc, &got))
	require.False(t, lmt.T.Equal(got.T), "the very instant differs")
}

func TestEncodeValue_marshalMethodFails(t *testing.T) {
	for _, v := range []any{refusing{}, &refusing{}, []refusing{{}}, map[string]any{"a": refusing{}}, burdened{N: 1}} {
		_, err := encodeValue(CBOR(), v)
		require.ErrorIs(t, err, errRefusing)
	}
}

// What looks like the above but is harmless is taken.
func TestEncodeValue_takes(t *testing.T) {
	home := &house{Rooms: []*room{{Name: "attic"}}}
	home.Rooms[0].In, home.Rooms[0].also = home, home
	shared := &list{}
	for _, v := range []any{
		home, []*list{shared, shared, shared}, opaque{}, hasInner{}, endless(nil), struct{ E error }{},
		both{stamp: time.Now()}, struct{ both }{}, note{Time: time.Now()}, struct{ N note }{}, link{&url.URL{Host: "example.com"}, "text"},
		struct{ T time.Time }{}, struct{ T any }{[]time.Time{time.Now()}}, house{},
	} {
		_, err := encodeValue(CBOR(), v)
		require.NoError(t, err, "%T", v)
	}
}

func TestEncodeValue_depth(t *testing.T) {
	chain := func(n int) any {
		var l *list
		for range n {
			l = &list{l}
		}
		return l
	}
	anys := func(n int) any {
		var v any
		for range n {
			v = []any{v}
		}
		return v
	}
	for _, nest := range []func(int) any{chain, anys} {
		enc, err := encodeValue(CBOR(), nest(maxDepth))
		require.NoError(t, err)
		_, err = decodeAny(CBOR(), enc)
		require.NoError(t, err)
		_, err = encodeValue(CBOR(), nest(maxDepth+1))
		require.Error(t, err)
		_, err = encodeValue(CBOR(), nest(1_000_000))
		require.ErrorIs(t, err, errDeep)
	}
}

// Shared pointers can make a small value expand to more than any memory.
func TestEncodeValue_expansion(t *testing.T) {
	twin, pair := &twins{}, []any{}
	for range 30 {
		twin, pair = &twins{twin, twin}, []any{pair, pair}
	}
	for _, v := range []any{twin, pair, []any{1, twin}} {
		e := encoder{codec: CBOR(), survey: survey{parts: maxParts - 1000}} // or this test takes a second
		_, err := e.encode(v)
		require.ErrorIs(t, err, errLarge)
	}
}

func TestValueError(t *testing.T) {
	cause := errors.New("cause")
	for want, err := range map[string]*ValueError{
		`gimlet: key "cart": cannot encode chan int: cause`: {Key: "cart", Type: "chan int", Err: cause},
		`gimlet: key "n": stored as int, read as string`:    {Key: "n", Type: "string", Stored: "int"},
		`gimlet: key "a\nb": cannot decode int: cause`:      {Key: "a\nb", Stored: "int", Err: cause},
		`gimlet: cannot decode int: cause`:                  {Type: "int", Stored: "int", Err: cause},
		`gimlet: cannot decode struct as main.T: cause`:     {Type: "main.T", Stored: "struct", Err: cause},
	} {
		require.EqualError(t, err, want)
		if err.Err != nil {
			require.ErrorIs(t, err, cause)
		}
	}
}
