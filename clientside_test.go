package gimlet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Client-side values live in the cookie: a session that has nothing else has
// no record, and reading one does no I/O.
func TestClientSide_noRecordNoIO(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("theme", "dark", gimlet.ClientSide) })
	var got any
	site.do("/get", func(s *gimlet.Session) { got = s.Get("theme"); require.True(t, s.Has("theme")) })
	b := site.browser()
	before := m.Stats().Store
	b.ok("/set")
	b.ok("/get")
	require.Equal(t, "dark", got)
	require.Equal(t, before, m.Stats().Store)
	require.Zero(t, records(t, m))
}

// The same beside server-side values: reading, changing and deleting a value
// that is in the cookie never loads the record.
func TestClientSide_besideRecord(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) {
		s.Set("theme", "dark", gimlet.ClientSide)
		s.Set("language", "en", gimlet.ClientSide)
		s.Set("cart", []int{1})
	})
	site.do("/get", func(s *gimlet.Session) {
		require.Equal(t, "dark", s.Get("theme"))
		require.Nil(t, s.Get("cart", gimlet.ClientSide))
	})
	site.do("/change", func(s *gimlet.Session) {
		s.Set("theme", "light", gimlet.ClientSide)
		s.Delete("language")
	})
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, []string{"cart", "theme"}, s.Keys())
		require.Equal(t, "light", s.Get("theme"))
		require.Equal(t, []int{1}, s.Get("cart"))
	})
	b := site.browser()
	b.ok("/set")
	before := m.Stats()
	b.ok("/get")
	b.ok("/change")
	after := m.Stats()
	require.Equal(t, before.Store, after.Store)
	require.Equal(t, before.Loads, after.Loads)
	require.Equal(t, before.Cookies+1, after.Cookies)
	b.ok("/check")
}

// A key lives in exactly one place; setting it elsewhere moves it, in the same
// response, and leaves no copy.
func TestClientSide_moves(t *testing.T) {
	places := map[string]gimlet.Placement{
		"server":           gimlet.ServerSide | gimlet.Permanent,
		"server transient": gimlet.ServerSide | gimlet.Transient,
		"client":           gimlet.ClientSide | gimlet.Permanent,
		"client transient": gimlet.ClientSide | gimlet.Transient,
	}
	for from, p := range places {
		for to, q := range places {
			if from == to {
				continue
			}
			t.Run(from+" to "+to, func(t *testing.T) {
				site := newSite(t, newManager(t))
				site.do("/set", func(s *gimlet.Session) { s.Set("k", "old", p); s.Set("other", 1) })
				site.do("/move", func(s *gimlet.Session) {
					s.Set("k", "new", q)
					require.Equal(t, "new", s.Get("k"))
					require.Nil(t, s.Get("k", p))
				})
				site.do("/check", func(s *gimlet.Session) {
					require.Equal(t, "new", s.Get("k", q))
					require.Nil(t, s.Get("k", p))
					require.Equal(t, 2, s.Len())
					s.Delete("k")
				})
				site.do("/gone", func(s *gimlet.Session) { require.False(t, s.Has("k")) })
				b := site.browser()
				for _, path := range []string{"/set", "/move", "/check", "/gone"} {
					b.ok(path)
				}
			})
		}
	}
}

// Get without a placement looks everywhere; with one it looks only there.
func TestClientSide_narrowedReads(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/set", func(s *gimlet.Session) {
		s.Set("sp", 1)
		s.Set("st", 2, gimlet.Transient)
		s.Set("cp", 3, gimlet.ClientSide)
		s.Set("ct", 4, gimlet.ClientSide|gimlet.Transient)
	})
	site.do("/check", func(s *gimlet.Session) {
		in := func(p ...gimlet.Placement) (keys []string) {
			for _, key := range []string{"sp", "st", "cp", "ct"} {
				if s.Has(key, p...) {
					require.NotNil(t, s.Get(key, p...))
					keys = append(keys, key)
				}
			}
			return keys
		}
		require.Equal(t, []string{"sp", "st", "cp", "ct"}, in())
		require.Equal(t, []string{"sp", "st"}, in(gimlet.ServerSide))
		require.Equal(t, []string{"cp", "ct"}, in(gimlet.ClientSide))
		require.Equal(t, []string{"st", "ct"}, in(gimlet.Transient))
		require.Equal(t, []string{"sp", "cp"}, in(gimlet.Permanent))
		require.Equal(t, []string{"ct"}, in(gimlet.ClientSide, gimlet.Transient))
	})
	b := site.browser()
	b.ok("/set")
	b.ok("/check")
}

// Revocation reaches client-side values without I/O: a cookie that was copied
// before the logout is nobody, also after a restart.
func TestClientSide_replayAfterLogout(t *testing.T) {
	file := t.TempDir() + "/sessions.db"
	var cookies []*http.Cookie
	routes := func(t *testing.T, m *gimlet.Manager) *site {
		site := newSite(t, m)
		site.do("/set", func(s *gimlet.Session) {
			s.Set("theme", "dark", gimlet.ClientSide)
			s.Set("t", "x", gimlet.ClientSide|gimlet.Transient)
		})
		site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
		site.do("/who", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
		return site
	}
	withFile(t, file, func(m *gimlet.Manager) {
		site := routes(t, m)
		b := site.browser()
		b.ok("/set")
		thief := b.steal()
		cookies = b.cookies()
		b.ok("/logout")
		require.Empty(t, b.cookies())
		before := m.Stats().Store
		thief.ok("/who")
		require.Equal(t, before, m.Stats().Store)
	})
	withFile(t, file, func(m *gimlet.Manager) {
		b := routes(t, m).browser()
		b.set(cookies...)
		b.ok("/who")
	})
}

// After Login and Renew an older copy of the cookie is nobody, its client-side
// values included.
func TestClientSide_oldCookieAfterLogin(t *testing.T) {
	for name, change := range map[string]func(s *gimlet.Session) error{
		"login": func(s *gimlet.Session) error { return s.Login(t.Context(), "alice") },
		"renew": func(s *gimlet.Session) error { return s.Renew(t.Context()) },
	} {
		for begin, set := range map[string]func(s *gimlet.Session){
			"client-side only": func(s *gimlet.Session) { s.Set("theme", "dark", gimlet.ClientSide) },
			"both sides":       func(s *gimlet.Session) { s.Set("theme", "dark", gimlet.ClientSide); s.Set("a", 1) },
		} {
			t.Run(name+" "+begin, func(t *testing.T) {
				site := newSite(t, newManager(t))
				site.do("/set", set)
				site.do("/change", func(s *gimlet.Session) { require.NoError(t, change(s)) })
				var keys []string
				site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
				b := site.browser()
				b.ok("/set")
				b.ok("/keys")
				before := keys
				old := b.steal()
				b.ok("/change")
				old.ok("/keys")
				require.Empty(t, keys)
				b.ok("/keys")
				require.Equal(t, before, keys)
			})
		}
	}
}
