package gimlet_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// everyPlace are the options under which an anonymous session has a record, or
// lives in its cookie alone.
var everyPlace = map[string][]gimlet.Option{
	"record":      nil,
	"cookie only": {gimlet.WithCookieOnly(2000)},
}

// A client-side change of a request that was under way when another one logged
// in is refused: it neither ends the new session nor replaces its cookie.
func TestLogin_slowClientSideChange(t *testing.T) {
	for name, opts := range everyPlace {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, opts...)
			site := members(t, m, newSite)
			g := newGate()
			site.do("/begin", func(s *gimlet.Session) { s.Set("theme", "dark", gimlet.ClientSide) })
			site.do("/slow", func(s *gimlet.Session) { s.Set("theme", "light", gimlet.ClientSide); g.wait() })
			b := site.browser()
			b.ok("/begin")
			p := overlap(b, g, "/slow", func() { b.ok("/login?name=alice") })
			require.Equal(t, http.StatusConflict, p.StatusCode)
			require.Empty(t, p.Header["Set-Cookie"])
			require.Equal(t, "alicedark", b.ok("/who").body)
			require.Equal(t, 1, records(t, m))
		})
	}
}

// A request that only reads, and whose cookie is due to be sent again, does not
// replace the cookie of a login that has overtaken it.
func TestLogin_slowReading(t *testing.T) {
	for name, opts := range everyPlace {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := members(t, newManager(t, opts...), newLocal)
				g := newGate()
				site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
				site.do("/slow", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")); g.wait() })
				b := site.browser()
				b.ok("/begin")
				time.Sleep(3 * time.Hour)
				require.NotEmpty(t, b.steal().ok("/who").Header["Set-Cookie"], "the cookie is due")
				time.Sleep(3 * time.Hour)
				p := overlap(b, g, "/slow", func() { b.ok("/login?name=alice") })
				require.Equal(t, http.StatusOK, p.StatusCode)
				require.Empty(t, p.Header["Set-Cookie"])
				require.Equal(t, "alicedark", b.ok("/who").body)
			})
		})
	}
}

// A session whose lifetime was made shorter, and that was destroyed then, stays
// dead for a cookie from before as long as that cookie would have lived.
func TestEnding_shortenedLifetime(t *testing.T) {
	for name, opts := range everyPlace {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newLocal(t, newManager(t, opts...))
				site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 2, gimlet.ClientSide) })
				site.do("/shorten", func(s *gimlet.Session) { s.SetLifetime(time.Hour) })
				site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
				var c any
				site.do("/read", func(s *gimlet.Session) { c = s.Get("c") })
				b := site.browser()
				b.ok("/begin")
				old := b.steal()
				old.ok("/read")
				require.Equal(t, 2, c)
				b.ok("/shorten")
				b.ok("/logout")
				for _, wait := range []time.Duration{0, 61 * time.Minute, 20 * time.Hour} {
					time.Sleep(wait)
					old.ok("/read")
					require.Nil(t, c, "after %v", wait)
				}
			})
		})
	}
}

// A save of a request that has no transient values to see, of another run of
// the browser or of a client without cookies, keeps those that there are.
func TestTransient_keptByOthers(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	g := newGate()
	token := ""
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/slow", func(s *gimlet.Session) { s.Get("a"); g.wait(); s.Set("b", 2) })
	site.do("/fast", func(s *gimlet.Session) { s.Set("t", 1, gimlet.Transient) })
	site.do("/token", func(s *gimlet.Session) {
		var err error
		token, err = s.Token()
		require.NoError(t, err)
	})
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := site.browser()
	b.ok("/begin")
	p := overlap(b, g, "/slow", func() { b.ok("/fast") })
	require.Equal(t, http.StatusOK, p.StatusCode)
	b.ok("/keys")
	require.Equal(t, []string{"a", "b", "t"}, keys)

	b.ok("/token")
	api, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	require.Nil(t, api.Get("t"))
	api.Set("api", 1)
	require.NoError(t, api.Commit(t.Context()))
	b.ok("/keys")
	require.Equal(t, []string{"a", "api", "b", "t"}, keys)
}

// A session that got its record from another request leaves none behind when a
// request that knows it from the cookie alone destroys it.
func TestEnding_recordOfAnotherRequest(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(600))
	site := newSite(t, m)
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/grow", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 2000)) })
	site.do("/logout", func(s *gimlet.Session) {
		s.Get("a")
		g.wait()
		require.NoError(t, s.Destroy(t.Context()))
	})
	site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
	b := site.browser()
	b.ok("/begin")
	var thief *browser
	overlap(b, g, "/logout", func() {
		b.ok("/grow")
		require.Equal(t, 1, records(t, m))
		thief = b.steal()
	})
	require.Zero(t, records(t, m))
	thief.ok("/nobody")
}

// A session that shrinks while another request changes it keeps both changes,
// whichever of the two responses reaches the browser last.
func TestCookieOnly_shrinkEitherOrder(t *testing.T) {
	site := newSite(t, newManager(t, gimlet.WithCookieOnly(600)))
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 2000)); s.Set("kept", 1) })
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large"); g.wait() })
	site.do("/change", func(s *gimlet.Session) { s.Set("changed", 1) })
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := site.browser()
	b.ok("/begin")
	var late *browser
	p := overlap(b, g, "/shrink", func() {
		b.ok("/change")
		late = b.steal()
	})
	require.Equal(t, http.StatusOK, p.StatusCode)
	for _, b := range []*browser{b, late} {
		b.ok("/keys")
		require.Equal(t, []string{"changed", "kept"}, keys)
	}
}

// A session that was given a new token while a slower request made it shrink
// stays alive under that token, and the slower one is refused.
func TestCookieOnly_shrinkAfterNewToken(t *testing.T) {
	for _, path := range []string{"/login?name=alice", "/renew"} {
		site := members(t, newManager(t, gimlet.WithCookieOnly(600)), newSite)
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 2000)); s.Set("kept", 1) })
		site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
		site.do("/shrink", func(s *gimlet.Session) { s.Delete("large"); g.wait() })
		var kept any
		site.do("/kept", func(s *gimlet.Session) { kept = s.Get("kept") })
		b := site.browser()
		b.ok("/begin")
		p := overlap(b, g, "/shrink", func() { b.ok(path) })
		require.Equal(t, http.StatusConflict, p.StatusCode, path)
		require.Empty(t, p.Header["Set-Cookie"], path)
		b.ok("/kept")
		require.Equal(t, 1, kept, path)
	}
}

// Done of a session in the cookie alone outlives Renew, and ends with it.
func TestDone_cookieOnlyRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, gimlet.WithCookieOnly(2000)))
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
		site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
		b := site.browser()
		site.do("/stream", func(s *gimlet.Session) {
			done := s.Done()
			b.ok("/renew")
			time.Sleep(25 * time.Second)
			require.False(t, closed(done))
			b.ok("/logout")
			require.True(t, closed(done))
		})
		b.ok("/begin")
		b.ok("/stream")
	})
}

// Done is closed at once if the session ended after the request has read it.
func TestDone_endedBefore(t *testing.T) {
	for name, opts := range everyPlace {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, newManager(t, opts...))
			g := newGate()
			site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
			site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
			var done <-chan struct{}
			site.do("/stream", func(s *gimlet.Session) { s.Get("a"); g.wait(); done = s.Done() })
			b := site.browser()
			b.ok("/begin")
			overlap(b, g, "/stream", func() { b.ok("/logout") })
			require.True(t, closed(done))
		})
	}
}
