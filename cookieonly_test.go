package gimlet_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// WithCookieOnly: a small session lives in the cookie alone, moves to the
// store when it grows, and back when it shrinks, leaving no copy behind.
func TestCookieOnly_growsAndShrinks(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := newSite(t, m)
	site.on("/set", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		s.Set("a", "kept")
		s.Set("t", "kept too", gimlet.Transient)
		s.Set("v", r.FormValue("v"))
	})
	var v any
	site.do("/get", func(s *gimlet.Session) {
		v = s.Get("v")
		require.Equal(t, "kept", s.Get("a"))
		require.Equal(t, "kept too", s.Get("t"))
		require.Equal(t, 3, s.Len())
	})
	b := site.browser()
	small, large := "small", strings.Repeat("x", 3000)
	calls := m.Stats().Store
	for _, step := range []struct {
		value   string
		records int
	}{{small, 0}, {"small again", 0}, {large, 1}, {large + "y", 1}, {small, 0}, {large, 1}} {
		b.ok("/set?v=" + url.QueryEscape(step.value))
		require.Equal(t, step.records, records(t, m))
		b.ok("/get")
		require.Equal(t, step.value, v)
		if step.records == 0 && v == "small again" {
			now := m.Stats().Store
			now.Lists = calls.Lists
			require.Equal(t, calls, now, "a session in the cookie costs no I/O")
		}
	}
}

// One with an owner always has a record, and logging out ends every copy of
// the cookies that lived alone before.
func TestCookieOnly_ownerHasRecord(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
	site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := site.browser()
	b.ok("/set")
	before := b.steal()
	require.Zero(t, records(t, m))
	b.ok("/login")
	require.Equal(t, 1, records(t, m))
	before.ok("/keys")
	require.Empty(t, keys)
	b.ok("/keys")
	require.Equal(t, []string{"a"}, keys)
	after := b.steal()
	b.ok("/logout")
	after.ok("/keys")
	require.Empty(t, keys)
	require.Zero(t, records(t, m))
}

// A cookie-only session that was logged out is nobody in every copy.
func TestCookieOnly_replayAfterLogout(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
	var id string
	site.do("/again", func(s *gimlet.Session) { require.Zero(t, s.Len()); s.Set("b", 1); id = s.ID().String() })
	var first string
	site.do("/id", func(s *gimlet.Session) { first = s.ID().String() })
	b := site.browser()
	b.ok("/set")
	b.ok("/id")
	thief := b.steal()
	b.ok("/logout")
	thief.ok("/again")
	require.NotEqual(t, first, id, "a dead token is not adopted")
}
