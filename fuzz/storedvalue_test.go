package fuzz_test

import (
	"bytes"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzStoredValue has any bytes where a value is stored. They are read as a
// value of the type that they say, or not at all; whoever asks for a type gets
// that value or none; and what was read can be set.
func FuzzStoredValue(f *testing.F) {
	for _, seed := range storedSeeds() {
		f.Add(seed)
	}
	site := newSite(f, memory.New())
	f.Fuzz(func(t *testing.T, stored []byte) {
		values := frame(flashes("", stored), pair{"v", stored})
		token := tokenEnvelope.sealed(payload(endless(flagCarried), aloneID, someSecret, nil, values))
		s, err := site.Load(t.Context(), token)
		require.NoError(t, err)
		require.True(t, s.Has("v"))
		var v any
		bounded(t, len(stored), perByte, func() { v = s.Get("v") })
		for key, value := range s.All() {
			require.Equal(t, "v", key)
			require.True(t, same(v, value))
		}
		var messages []any
		if v != nil {
			messages = []any{v}
		}
		require.True(t, same(messages, s.PeekFlashes("")))
		bounded(t, len(stored), perByte, func() { asked(t, s, v) })
		require.True(t, same(v, s.Pop("v")))
		again(t, site.Manager, v)
	})
}

// asked asks for the value as many types. As one of those that Get returns too,
// it must be what Get has returned.
func asked(t *testing.T, s *gimlet.Session, v any) {
	t.Helper()
	equal[any](t, s, v)
	equal[string](t, s, v)
	equal[[]byte](t, s, v)
	equal[bool](t, s, v)
	equal[int](t, s, v)
	equal[int8](t, s, v)
	equal[int64](t, s, v)
	equal[uint](t, s, v)
	equal[uint32](t, s, v)
	equal[uint64](t, s, v)
	equal[float32](t, s, v)
	equal[float64](t, s, v)
	equal[time.Time](t, s, v)
	equal[time.Duration](t, s, v)
	equal[struct{}](t, s, v)
	equal[[]any](t, s, v)
	equal[[]string](t, s, v)
	equal[[][]byte](t, s, v)
	equal[[]time.Time](t, s, v)
	equal[[]*int](t, s, v)
	equal[map[string]any](t, s, v)
	equal[map[any]any](t, s, v)
	equal[map[time.Time]int](t, s, v)
	equal[map[string][]map[int]string](t, s, v)
	// Of these Get returns another form.
	get[[2]int](t, s)
	get[[4]any](t, s)
	get[**string](t, s)
	get[person](t, s)
	get[*person](t, s)
	get[[]person](t, s)
	get[map[string]*person](t, s)
	get[big.Int](t, s)
	get[netip.Addr](t, s)
	get[[]netip.Addr](t, s)
}

// A person has fields of many types.
type person struct {
	Name   string
	Age    int `cbor:"1,keyasint"`
	Born   time.Time
	Any    any
	Parent *person
	Tags   map[string][]string
	IP     netip.Addr
	Wealth *big.Int
	Photo  [4]byte
}

func get[T any](t *testing.T, s *gimlet.Session) (T, bool) {
	t.Helper()
	v, ok := gimlet.NewKey[T]("v").Get(s)
	if !ok {
		require.Zero(t, v)
	}
	return v, ok
}

func equal[T any](t *testing.T, s *gimlet.Session, want any) {
	t.Helper()
	if v, ok := get[T](t, s); ok && (want != nil || !same(any(v), zero[T]())) {
		require.True(t, same(want, any(v)), "as %T: %#v, and Get returned %#v", v, v, want)
	}
}

func zero[T any]() any {
	var v T
	return v
}

// again requires that a value that was read can be set, and that it then stays
// as it is read. The first time it may change: bytes that no Set has stored can
// be another form of the same, a number in more bytes than it needs say.
func again(t *testing.T, m *gimlet.Manager, v any) {
	t.Helper()
	s := m.Begin(t.Context())
	set := func(v any) any {
		s.Set("v", v)
		require.NoError(t, s.Err(), "%#v", v)
		return s.Get("v")
	}
	once := set(v)
	twice := set(once)
	require.True(t, same(once, twice), "%#v, and after it was set again %#v", once, twice)
}

// storedSeeds are stored forms of each kind of docs/format.md, and damage.
func storedSeeds() (seeds [][]byte) {
	forms := []string{
		"\x01", "\x02\xf5", "\x05\x05", "\x06\x22", "\x10\xf9\x3e\x00", "\x03\x64dark", "\x04\x42\x01\x02",
		"\x12\x1a\x3b\x9a\xca\x00",
		"\x11\x4f\x01\x00\x00\x00\x0e\x77\x91\xf7\x00\x00\x00\x00\x00\xff\xff",
		"\x16\x03\x82\x61a\x61b", "\x17\x02\x02\x82\xf5\xf4", "\x18\x03\x05\xa1\x61a\x01",
		"\x16\x14\x82\x42\x05\x01\x43\x03\x61a", "\x16\x19\x05\x81\xf6", "\x15\xa1\x61A\x05",
		"\x16\x15\x81\xa1\x61A\x05", "\x18\x12\x13\xa0",
		"\x15\xa3\x64Name\x65alice\x01\x18\x2a\x64Tags\xa1\x61a\x81\x61b",
		"\x18\x14\x14\xa1\x64BXRl\x42\x05\x01",
		"\x18\x11\x05\xa1\x74AQAAAA53kfcAAAAAAP__\x01",
		"\x15\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x15\xd8\x20\x63a:b", "\x15\xa1\xf9\x7e\x00\x01",
		"\x18\x10\x15\xa1\xf9\x7e\x00\x01", "\x04\xf6", "\x18\x03\x14\xf6", "\x0f\xf9\x7e\x00",
		"\x16\x16\x16\x05\x81\x81\x81\x01", "\x15\x82\xa1\x01\x02\xa1\x61a\xa1\xf5\xf4",
	}
	for _, form := range forms {
		for b := range damaged([]byte(form), 12) {
			seeds = append(seeds, b)
		}
	}
	return append(seeds,
		[]byte("\x18\x14\x14\xa1\x64FgWA\x42\x05\x01"),         // a list as a key
		[]byte("\x17\x04\x14\x83\x42\x05\x01\x41\x01\x41\x01"), // three elements of four
		[]byte("\x17\x04\x14\x85\x41\x01\x41\x01\x41\x01\x41\x01\x41\x01"),
		bytes.Repeat([]byte{0x16}, 31),
		append(bytes.Repeat([]byte{0x16}, 31), 5, 0x80),
		append(bytes.Repeat([]byte{0x16}, 31), bytes.Repeat([]byte{0x81}, 40)...),
		append([]byte{0x15}, bytes.Repeat([]byte{0x81}, 40)...),
		[]byte("\x17\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05\x80"),
		[]byte("\x16\x05\x9a\x00\x0f\xff\xff\x01"),
		[]byte("\x16\x11\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
		nestedAnys(40),
		[]byte(strings.Repeat("\x16\x14\x81", 20)),
	)
}

// nestedAnys are lists of one any in each other.
func nestedAnys(depth int) []byte {
	stored := []byte{5, 1}
	for range depth {
		n := len(stored)
		stored = append([]byte{0x16, 0x14, 0x81, 0x58, byte(n)}, stored...)
	}
	return stored
}
