package gimlet_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Login binds the session to an owner and renews its token; values stay. A
// copy of the cookie from before is nobody.
func TestLogin_renewsToken(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	site.do("/set", func(s *gimlet.Session) { s.Set("cart", 3) })
	var cart any
	site.do("/cart", func(s *gimlet.Session) { cart = s.Get("cart") })
	b := site.browser()
	b.ok("/set")
	before := b.steal()
	id := ""
	site.do("/id", func(s *gimlet.Session) { id = s.ID().String() })
	b.ok("/id")
	anonymous := id
	b.ok("/login?name=alice")
	b.ok("/cart")
	require.Equal(t, 3, cart)
	b.ok("/id")
	require.Equal(t, anonymous, id, "a renewal moves no data")
	before.ok("/cart")
	require.Nil(t, cart)
	require.Empty(t, before.ok("/who").body)

	// Once more as the same owner: another token, the same session.
	again := b.steal()
	b.ok("/login?name=alice")
	require.Empty(t, again.ok("/who").body)
	require.Equal(t, "alicedark", b.ok("/who").body)
	b.ok("/cart")
	require.Equal(t, 3, cart)
}

// Login as somebody else destroys the session of the one before: nothing of
// it is seen by the other.
func TestLogin_asSomebodyElse(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	site.do("/set", func(s *gimlet.Session) { s.Set("private", 1); s.Set("p", 1, gimlet.Transient) })
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := login(site, "alice")
	b.ok("/set")
	before := b.steal()
	b.ok("/login?name=bob")
	require.Equal(t, "bobdark", b.ok("/who").body)
	b.ok("/keys")
	require.Equal(t, []string{"agent", "theme"}, keys)
	require.Empty(t, before.ok("/who").body)
	require.Equal(t, 1, records(t, m))
}

// Login refuses what cannot be an owner.
func TestLogin_badOwners(t *testing.T) {
	m := newManager(t)
	for _, owner := range []string{"", "\x00gimlet", string(make([]byte, 513))} {
		s := m.Begin(t.Context())
		require.Error(t, s.Login(t.Context(), owner))
		require.NoError(t, s.Err())
	}
}

// Whoever logs in gets a session, also when the one that they had was ended
// while they did.
func TestLogin_whileEnded(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	g := newGate()
	site.do("/slow", func(s *gimlet.Session) {
		require.NoError(t, s.Login(t.Context(), "alice"))
		s.Set("kept", 1)
		g.wait()
	})
	b := login(site, "alice")
	id := idOf(t, m, "alice")
	p := overlap(b, g, "/slow", func() { require.NoError(t, m.Revoke(t.Context(), id)) })
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "alice", b.ok("/who").body)
	require.NotEqual(t, id, idOf(t, m, "alice"))
}

// WithMaxSessionsPerOwner holds under 50 logins at once; the ones that were
// logged in longest ago end.
func TestLogin_limitPerOwner(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSessionsPerOwner(3))
	site := members(t, m, newSite)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { login(site, "alice") })
	}
	wg.Wait()
	require.Equal(t, 3, records(t, m))
	last := login(site, "alice")
	require.Equal(t, "alicedark", last.ok("/who").body)
	require.Equal(t, 3, records(t, m))
	login(site, "bob")
	require.Equal(t, 4, records(t, m))
}

// A request that was under way when another one logged in does not replace the
// cookie of that login: what it wants to write is refused for a minute, and
// reading shows nobody.
func TestLogin_overtakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := members(t, newManager(t), newLocal)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/set", func(s *gimlet.Session) { s.Set("b", 1) })
		b := site.browser()
		b.ok("/begin")
		old := b.steal()
		b.ok("/login?name=alice")
		p := old.get("/set")
		require.Equal(t, http.StatusConflict, p.StatusCode)
		require.Empty(t, p.Header["Set-Cookie"])
		require.Empty(t, old.ok("/who").body)
		require.Equal(t, http.StatusOK, old.steal().get("/login?name=bob").StatusCode, "whoever proves who they are gets a session")
		time.Sleep(time.Minute)
		require.Len(t, old.ok("/set").Header["Set-Cookie"], 1, "a browser that has missed the new cookie is not locked out")
		require.Equal(t, "alicedark", b.ok("/who").body)
	})
}

// A cookie that was revoked, not overtaken, is an ordinary nobody: it may begin
// a session at once.
func TestLogin_revokedIsNotOvertaken(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	site.do("/set", func(s *gimlet.Session) { s.Set("b", 1) })
	for name, end := range map[string]func() error{
		"all":   func() error { return m.RevokeAll(t.Context()) },
		"owner": func() error { _, err := m.RevokeOwner(t.Context(), "alice"); return err },
	} {
		b := login(site, "alice")
		require.NoError(t, end())
		require.Len(t, b.ok("/set").setCookie("__Host-id="), 1, name)
	}
}
