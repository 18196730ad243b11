package gimlet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

type cart struct {
	Items map[string]int
	Note  string
}

var (
	cartKey  = gimlet.NewKey[cart]("cart")
	themeKey = gimlet.NewKey[string]("theme", gimlet.ClientSide)
	countKey = gimlet.NewKey[int]("count")
)

// A typed key brings a struct back whole, and puts its value in its place.
func TestKey_structAndPlace(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/set", func(s *gimlet.Session) {
		_, ok := cartKey.Get(s)
		require.False(t, ok)
		cartKey.Set(s, cart{map[string]int{"book": 2}, "gift"})
		themeKey.Set(s, "dark")
	})
	site.do("/get", func(s *gimlet.Session) {
		c, ok := cartKey.Get(s)
		require.True(t, ok)
		require.Equal(t, cart{map[string]int{"book": 2}, "gift"}, c)
		require.True(t, s.Has("theme", gimlet.ClientSide))
		require.Equal(t, "theme", themeKey.Name())
		themeKey.Delete(s)
	})
	site.do("/deleted", func(s *gimlet.Session) {
		_, ok := themeKey.Get(s)
		require.False(t, ok)
	})
	b := site.browser()
	for _, path := range []string{"/set", "/get", "/deleted"} {
		b.ok(path)
	}
}

// A stored value of another type is an error on the session, never a silent
// zero; reading it costs the request nothing else.
func TestKey_otherType(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/set", func(s *gimlet.Session) { s.Set("count", "five") })
	site.do("/get", func(s *gimlet.Session) {
		n, ok := countKey.Get(s)
		require.Zero(t, n)
		require.False(t, ok)
		var v *gimlet.ValueError
		require.ErrorAs(t, s.Err(), &v)
		require.Equal(t, gimlet.ValueError{Key: "count", Type: "int", Stored: "string"}, *v)
		s.Set("other", 1)
	})
	site.do("/after", func(s *gimlet.Session) {
		require.NoError(t, s.Err())
		require.Equal(t, "five", s.Get("count"))
		require.Equal(t, 1, s.Get("other"))
	})
	site.do("/update", func(s *gimlet.Session) {
		countKey.Update(s, func(n int) int { t.Error("f must not run"); return n })
		require.Error(t, s.Err())
	})
	b := site.browser()
	b.ok("/set")
	b.ok("/get")
	b.ok("/after")
	require.Equal(t, 500, b.get("/update").StatusCode)
	b.ok("/after")
}

// Update works on what this request has set, on a key that is not there, in
// the place where the value lives, and composes.
func TestKey_update(t *testing.T) {
	double := func(n int) int { return 2 * n }
	site := newSite(t, newManager(t))
	site.do("/absent", func(s *gimlet.Session) {
		countKey.Update(s, func(n int) int { return n + 5 })
		countKey.Update(s, double)
		n, _ := countKey.Get(s)
		require.Equal(t, 10, n)
	})
	site.do("/set", func(s *gimlet.Session) {
		countKey.Set(s, 3)
		countKey.Update(s, double)
	})
	site.do("/six", func(s *gimlet.Session) {
		n, _ := countKey.Get(s)
		require.Equal(t, 6, n)
		s.Set("count", 1, gimlet.ClientSide)
	})
	site.do("/stays", func(s *gimlet.Session) { countKey.Update(s, double) })
	site.do("/two", func(s *gimlet.Session) {
		require.Equal(t, 2, s.Get("count", gimlet.ClientSide))
		s.Clear()
		countKey.Update(s, func(n int) int { require.Zero(t, n); return 7 })
	})
	site.do("/seven", func(s *gimlet.Session) { require.Equal(t, 7, s.Get("count")) })
	b := site.browser()
	for _, path := range []string{"/absent", "/set", "/six", "/stays", "/two", "/seven"} {
		b.ok(path)
	}
}

// An Update that changes nothing writes nothing.
func TestKey_updateToSame(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { countKey.Set(s, 5) })
	site.do("/same", func(s *gimlet.Session) { countKey.Update(s, func(n int) int { return n }) })
	b := site.browser()
	b.ok("/set")
	saves := m.Stats().Saves
	b.ok("/same")
	require.Equal(t, saves, m.Stats().Saves)
}
