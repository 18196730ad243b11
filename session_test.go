package gimlet_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Reading where there is no session reads as empty and creates nothing; the
// first Set begins a session, which later requests of the browser see.
func TestSession_firstSetBegins(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	var got any
	var isNew bool
	site.do("/set", func(s *gimlet.Session) { s.Set("n", 5); isNew = s.IsNew() })
	site.do("/get", func(s *gimlet.Session) { got = s.Get("n"); isNew = s.IsNew() })

	b := site.browser()
	require.Empty(t, b.ok("/get").Header["Set-Cookie"])
	require.Nil(t, got)
	require.False(t, isNew)
	require.Zero(t, records(t, m))

	require.Len(t, b.ok("/set").Header["Set-Cookie"], 1)
	require.True(t, isNew)
	require.Empty(t, b.ok("/get").Header["Set-Cookie"])
	require.Equal(t, 5, got)
	require.False(t, isNew)
	require.Equal(t, 1, records(t, m))

	require.Nil(t, site.browser().ok("/get").Header["Set-Cookie"])
	require.Nil(t, got, "another browser has another session")
}

// The accessors agree with each other, on what is stored and on what this
// request has changed.
func TestSession_accessors(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) {
		s.Set("a", "A")
		s.Set("b", []int{1, 2})
		s.Set("c", true, gimlet.ClientSide)
		s.Flash("", "hidden from keys")
	})
	site.do("/read", func(s *gimlet.Session) {
		require.Equal(t, []string{"a", "b", "c"}, s.Keys())
		require.Equal(t, 3, s.Len())
		require.Equal(t, map[string]any{"a": "A", "b": []int{1, 2}, "c": true}, maps.Collect(s.All()))
		require.True(t, s.Has("b"))
		require.False(t, s.Has("B"))
	})
	site.do("/change", func(s *gimlet.Session) {
		require.Equal(t, "A", s.Pop("a"))
		require.Nil(t, s.Pop("a"))
		s.Delete("c")
		s.Delete("c")
		s.Set("d", 1.5)
		require.Equal(t, []string{"b", "d"}, s.Keys())
		require.Nil(t, s.Get("a"))
		require.False(t, s.Has("c"))
	})
	site.do("/changed", func(s *gimlet.Session) {
		require.Equal(t, map[string]any{"b": []int{1, 2}, "d": 1.5}, maps.Collect(s.All()))
	})
	site.do("/clear", func(s *gimlet.Session) {
		s.Clear()
		require.Zero(t, s.Len())
		s.Set("e", "E")
		require.Equal(t, []string{"e"}, s.Keys())
	})
	site.do("/cleared", func(s *gimlet.Session) {
		require.Equal(t, map[string]any{"e": "E"}, maps.Collect(s.All()))
		require.Empty(t, s.Flashes(""))
	})
	b := site.browser()
	for _, path := range []string{"/set", "/read", "/change", "/changed", "/clear", "/cleared"} {
		b.ok(path)
	}
}

// Deleting the last value leaves the session, with its record and token.
func TestSession_deleteLeavesSession(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/delete", func(s *gimlet.Session) { s.Delete("a") })
	var id string
	site.do("/id", func(s *gimlet.Session) { id = s.ID().String() })
	b := site.browser()
	b.ok("/set")
	b.ok("/id")
	before := id
	b.ok("/delete")
	b.ok("/id")
	require.Equal(t, before, id)
	require.Len(t, id, 32)
	require.Equal(t, 1, records(t, m))
}

// Set takes a snapshot, and what Get returns is the caller's own.
func TestSession_snapshots(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/", func(s *gimlet.Session) {
		list := []string{"x"}
		s.Set("list", list)
		list[0] = "changed"
		got := s.Get("list").([]string)
		require.Equal(t, []string{"x"}, got)
		got[0] = "changed"
		require.Equal(t, []string{"x"}, s.Get("list"))
	})
	site.browser().ok("/")
}

// What Set stored, Get returns with the same Go type, also after a restart.
func TestSession_typesSurvive(t *testing.T) {
	type point struct{ X, Y int }
	var place = gimlet.NewKey[point]("place")
	values := map[string]any{
		"bool": true, "string": "text", "bytes": []byte{0, 255}, "int": -1, "int64": int64(1) << 60,
		"uint8": uint8(200), "float32": float32(1.5), "float64": 2.25, "duration": time.Hour,
		"strings": []string{"a"}, "ints": map[string]int{"a": 1}, "any": map[string]any{"n": 1, "s": []any{"x", 2.5}},
		"time": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
	file := t.TempDir() + "/sessions.db"
	token := ""
	withFile(t, file, func(m *gimlet.Manager) {
		s := m.Begin(t.Context())
		for key, v := range values {
			s.Set(key, v)
		}
		place.Set(s, point{3, 4})
		require.NoError(t, s.Commit(t.Context()))
		var err error
		token, err = s.Token()
		require.NoError(t, err)
	})
	withFile(t, file, func(m *gimlet.Manager) {
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		for key, v := range values {
			require.Equal(t, v, s.Get(key), key)
		}
		p, ok := place.Get(s)
		require.True(t, ok)
		require.Equal(t, point{3, 4}, p)
		require.Equal(t, map[string]any{"X": int64(3), "Y": int64(4)}, s.Get("place"))
	})
}

// A value that cannot be encoded is an error on the session at once, with the
// key and the type in its text; nothing of the request is saved.
func TestSession_unencodable(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/", func(s *gimlet.Session) {
		s.Set("good", 1)
		s.Set("bad", make(chan int))
		var v *gimlet.ValueError
		require.ErrorAs(t, s.Err(), &v)
		require.Equal(t, "bad", v.Key)
		require.ErrorContains(t, s.Err(), `"bad"`)
		require.ErrorContains(t, s.Err(), "chan int")
		require.Nil(t, s.Get("good"))
	})
	p := site.browser().get("/")
	require.Equal(t, http.StatusInternalServerError, p.StatusCode)
	require.Empty(t, p.Header["Set-Cookie"])
	require.Zero(t, records(t, m))
}

// WithMaxSize: a typed error at Set, before anything is written, and what was
// stored before stays.
func TestSession_tooLarge(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSize(10_000))
	site := newSite(t, m)
	site.do("/small", func(s *gimlet.Session) { s.Set("a", "small") })
	site.do("/large", func(s *gimlet.Session) {
		s.Set("b", 1)
		s.Set("a", strings.Repeat("x", 10_001))
		require.ErrorIs(t, s.Err(), gimlet.ErrTooLarge)
	})
	site.do("/most", func(s *gimlet.Session) {
		// A value that takes the place of another one counts once.
		s.Set("a", strings.Repeat("x", 9_000))
		s.Set("a", strings.Repeat("y", 9_001))
	})
	var got any
	site.do("/get", func(s *gimlet.Session) { got = s.Get("a"); require.False(t, s.Has("b")) })
	b := site.browser()
	b.ok("/small")
	saves := m.Stats().Saves
	require.Equal(t, http.StatusInternalServerError, b.get("/large").StatusCode)
	require.Equal(t, saves, m.Stats().Saves)
	b.ok("/get")
	require.Equal(t, "small", got)
	b.ok("/most")
	b.ok("/get")
	require.Equal(t, strings.Repeat("y", 9_001), got)
}

// A key is not empty and does not begin with a NUL byte.
func TestSession_badKeys(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/empty", func(s *gimlet.Session) { s.Set("", 1); require.Error(t, s.Err()) })
	site.do("/hidden", func(s *gimlet.Session) { s.Set("\x00flash\x00", 1); require.Error(t, s.Err()) })
	site.do("/both", func(s *gimlet.Session) { s.Set("k", 1, gimlet.ClientSide|gimlet.ServerSide); require.Error(t, s.Err()) })
	for _, path := range []string{"/empty", "/hidden", "/both"} {
		require.Equal(t, http.StatusInternalServerError, site.browser().get(path).StatusCode, path)
	}
	require.Panics(t, func() { gimlet.NewKey[int]("") })
	require.Panics(t, func() { gimlet.NewKey[int]("k", gimlet.Permanent, gimlet.Transient) })
}
