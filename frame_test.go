package gimlet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFrame(t *testing.T) {
	require.Nil(t, buildFrame(nil))
	require.Zero(t, frame(nil).len())
	require.NoError(t, frame(nil).valid())

	long := strings.Repeat("k", 300)
	content := map[string][]byte{
		"": []byte("no name"), "a": {1}, "b": {}, "\xff\x00": {2}, long: bytes.Repeat([]byte{3}, 70_000),
	}
	f := buildFrame(content)
	require.NoError(t, f.valid())
	require.Equal(t, 5, f.len())
	require.Equal(t, f, buildFrame(maps.Clone(content)), "equal content is equal bytes")

	var keys []string
	seen := make(map[string][]byte)
	for range 2 { // the iterator starts again each time
		keys = nil
		for key, enc := range f.all() {
			keys = append(keys, key)
			seen[key] = enc
		}
		require.Equal(t, []string{"", "a", "b", long, "\xff\x00"}, keys)
	}
	require.Equal(t, content, seen)
	for key, want := range content {
		got, ok := f.get(key)
		require.True(t, ok)
		require.Equal(t, want, got)
		require.Equal(t, len(got), cap(got), "appending to a value cannot change the next one")
	}
	for _, key := range []string{"A", "aa", "c", long + "k", "\xff"} {
		_, ok := f.get(key)
		require.False(t, ok)
	}
	for range f.all() {
		break
	}
}

func TestFrame_bytes(t *testing.T) {
	want := "\x00\x011" + "\x01a\x0223" + "\x02bb\x00" + "\x80\x01" + strings.Repeat("c", 128) + "\x014"
	require.Equal(t, want, string(buildFrame(map[string][]byte{
		strings.Repeat("c", 128): []byte("4"), "bb": nil, "": []byte("1"), "a": []byte("23"),
	})))
}

func TestFrame_valid(t *testing.T) {
	for name, f := range map[string]string{
		"cut in a length":      "\x80",
		"cut in a key":         "\x05ab",
		"without a value":      "\x01a",
		"cut in a value":       "\x01a\x05b",
		"cut in a value's end": "\x01a\x80",
		"length beyond all":    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
		"length overflow":      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
		"longer than needed":   "\x81\x00a\x00",
		"longer zero":          "\x80\x00\x00",
		"the same key twice":   "\x01a\x00\x01a\x00",
		"the empty key twice":  "\x00\x00\x00\x00",
		"descending":           "\x01b\x00\x01a\x00",
		"bytes after the end":  "\x01a\x00\x00",
	} {
		require.ErrorIs(t, frame(f).valid(), errFrame, name)
	}
	require.NoError(t, frame("\x00\x00\x01a\x00\x02aa\x00").valid())
}

func TestFrame_merge(t *testing.T) {
	f := buildFrame(map[string][]byte{"b": {1}, "d": {2}, "f": {}})
	for name, c := range map[string]struct {
		changes, want map[string][]byte
	}{
		"nothing":            {nil, map[string][]byte{"b": {1}, "d": {2}, "f": {}}},
		"equal values":       {map[string][]byte{"b": {1}, "f": {}}, map[string][]byte{"b": {1}, "d": {2}, "f": {}}},
		"deleting nothing":   {map[string][]byte{"a": nil, "z": nil}, map[string][]byte{"b": {1}, "d": {2}, "f": {}}},
		"replace":            {map[string][]byte{"d": {9}}, map[string][]byte{"b": {1}, "d": {9}, "f": {}}},
		"replace with empty": {map[string][]byte{"d": {}}, map[string][]byte{"b": {1}, "d": {}, "f": {}}},
		"delete empty":       {map[string][]byte{"f": nil}, map[string][]byte{"b": {1}, "d": {2}}},
		"around": {
			map[string][]byte{"a": {3}, "c": {4}, "e": nil, "g": {5}, "b": nil},
			map[string][]byte{"a": {3}, "c": {4}, "d": {2}, "f": {}, "g": {5}},
		},
		"delete all": {map[string][]byte{"b": nil, "d": nil, "f": nil}, nil},
	} {
		before := bytes.Clone(f)
		got := f.merge(editsOf(c.changes))
		require.Equal(t, buildFrame(c.want), got, name)
		require.Equal(t, before, []byte(f), "f is not changed")
		if bytes.Equal(got, f) {
			require.Same(t, &f[0], &got[0], name+": f itself")
		}
	}
	require.Nil(t, frame(nil).merge(editsOf(map[string][]byte{"a": nil})))
	require.Equal(t, f, frame(nil).merge(editsOf(map[string][]byte{"f": {}, "d": {2}, "b": {1}})))
}

// editsOf are the edits of a map, in any order.
func editsOf(changes map[string][]byte) (edits []edit) {
	for key, enc := range changes {
		edits = append(edits, edit{key, enc})
	}
	return edits
}

func TestFrame_mergeLikeMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	content := make(map[string][]byte)
	var f frame
	for range 2000 {
		changes := make(map[string][]byte)
		for range rng.IntN(4) {
			key := fmt.Sprint(rng.IntN(12))
			if changes[key] = nil; rng.IntN(3) > 0 {
				changes[key] = randomBytes(rng, rng.IntN(200))
			}
		}
		for key, enc := range changes {
			if content[key] = enc; enc == nil {
				delete(content, key)
			}
		}
		f = f.merge(editsOf(changes))
		require.NoError(t, f.valid())
		require.Equal(t, buildFrame(content), f)
	}
}

// No bytes make a method panic, and a frame that is valid is the only form
// of its content.
func TestFrame_anyBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	sound := [][]byte{
		buildFrame(map[string][]byte{"a": {1}, "bb": {2, 3}, "": {4}}),
		buildFrame(map[string][]byte{strings.Repeat("k", 200): make([]byte, 200), "z": {}}),
	}
	valid := 0
	for range 100_000 {
		f := frame(mutated(rng, sound))
		n := 0
		for key := range f.all() {
			if _, ok := f.get(key); !ok {
				t.Fatalf("%x: no %q", f, key)
			}
			n++
		}
		if f.len() != n {
			t.Fatalf("%x: length %d, not %d", f, f.len(), n)
		}
		f.merge(editsOf(map[string][]byte{"a": {9}, "m": nil}))
		if f.valid() == nil {
			valid++
			if !bytes.Equal(f, buildFrame(maps.Collect(f.all()))) {
				t.Fatalf("%x is another form of its content", f)
			}
		}
	}
	require.Greater(t, valid, 1000)
}

func fiveKeys() frame {
	return buildFrame(map[string][]byte{
		"cart": make([]byte, 40), "csrf": make([]byte, 34), "name": make([]byte, 20), "theme": make([]byte, 6), "user_id": make([]byte, 4),
	})
}

func TestFrame_allocations(t *testing.T) {
	f := fiveKeys()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, ok := f.get("user_id"); !ok || f.len() != 5 || f.valid() != nil {
			panic("not found")
		}
	}))
}

func BenchmarkFrame_get2of5(b *testing.B) {
	f := fiveKeys()
	b.ReportAllocs()
	for b.Loop() {
		_, one := f.get("csrf")
		_, two := f.get("user_id")
		if !one || !two {
			b.Fatal("not found")
		}
	}
}

func BenchmarkFrame_merge(b *testing.B) {
	f := fiveKeys()
	b.ReportAllocs()
	for i := uint32(0); b.Loop(); i++ {
		f.merge([]edit{{"name", binary.BigEndian.AppendUint32(nil, i)}})
	}
}
