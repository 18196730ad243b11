package gimlet_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// storing serves sessions that are small enough for the cookie, and calls of
// SetStored on them.
func storing(t *testing.T, m *gimlet.Manager) *site {
	t.Helper()
	site := newSite(t, m)
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/begin/stored", func(s *gimlet.Session) { s.Set("a", 1); s.SetStored(true) })
	site.do("/begin/large", func(s *gimlet.Session) { s.Set("a", 1); s.Set("large", strings.Repeat("x", 3000)) })
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large") })
	site.do("/on", func(s *gimlet.Session) { s.SetStored(true) })
	site.do("/off", func(s *gimlet.Session) { s.SetStored(false) })
	site.do("/set", func(s *gimlet.Session) { s.Set("b", 2) })
	site.on("/keys", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Join(s.Keys(), " ")))
	})
	return site
}

// listed returns the one session that has a record.
func listed(t *testing.T, m *gimlet.Manager) gimlet.Info {
	t.Helper()
	var infos []gimlet.Info
	for info, err := range m.Sessions(t.Context(), "") {
		require.NoError(t, err)
		infos = append(infos, info)
	}
	require.Len(t, infos, 1)
	return infos[0]
}

// SetStored gives a session that would live in its cookie alone a record, from
// its first request on or later: it is listed with its values, and can be ended
// by its ID, with every copy of its cookies.
func TestSetStored_listedAndRevocable(t *testing.T) {
	for name, paths := range map[string][]string{
		"at once": {"/begin/stored"},
		"later":   {"/begin", "/on"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, gimlet.WithCookieOnly(2000))
			site := storing(t, m)
			var id store.ID
			site.do("/id", func(s *gimlet.Session) { id = s.ID() })
			b := site.browser()
			b.ok(paths[0])
			first := b.steal()
			for _, path := range paths[1:] {
				require.Zero(t, records(t, m))
				b.ok(path)
			}
			b.ok("/id")
			info := listed(t, m)
			require.Equal(t, id, info.ID)
			require.Empty(t, info.Owner)
			require.Equal(t, 1, info.Get("a"))
			b.ok("/set")
			require.Equal(t, 2, listed(t, m).Get("b"))
			require.Equal(t, "a b", b.ok("/keys").body)

			require.NoError(t, m.Revoke(t.Context(), id))
			require.Empty(t, b.ok("/keys").body)
			require.Empty(t, first.ok("/keys").body)
			require.Zero(t, records(t, m))
		})
	}
}

// SetStored holds for the session's life, through restarts and new tokens, and
// for one that is large at first and shrinks.
func TestSetStored_survivesRestart(t *testing.T) {
	file := t.TempDir() + "/sessions.db"
	run := func(b *browser, paths ...string) (after *browser) {
		withFile(t, file, func(m *gimlet.Manager) {
			site := storing(t, m)
			site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
			after = site.browser()
			if b != nil {
				after.set(b.cookies()...)
			}
			for _, path := range paths {
				after.ok(path)
				require.Equal(t, 1, records(t, m), path)
			}
		}, gimlet.WithCookieOnly(2000))
		return after
	}
	b := run(nil, "/begin/large", "/on", "/shrink")
	b = run(b, "/set", "/keys")
	b = run(b, "/renew", "/set", "/shrink")
	withFile(t, file, func(m *gimlet.Manager) {
		again := storing(t, m).browser()
		again.set(b.cookies()...)
		require.Equal(t, "a b", again.ok("/keys").body)
	}, gimlet.WithCookieOnly(2000))
}

// SetStored(false) leaves the decision to WithCookieOnly again: a small session
// goes back into the cookie, leaving no copy, a large one and one with an owner
// stay.
func TestSetStored_goesBack(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := storing(t, m)
	site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "ann")) })
	b := site.browser()
	b.ok("/begin/stored")
	b.ok("/off")
	require.Zero(t, records(t, m))
	calls := m.Stats().Store
	require.Equal(t, "a", b.ok("/keys").body)
	b.ok("/set")
	require.Equal(t, "a b", b.ok("/keys").body)
	require.Equal(t, calls, m.Stats().Store, "a session in the cookie costs no I/O")
	b.ok("/on")
	require.Equal(t, 1, records(t, m))
	require.Equal(t, "a b", b.ok("/keys").body)

	b.ok("/login")
	b.ok("/off")
	require.Equal(t, "ann", listed(t, m).Owner)
	require.Equal(t, "a b", b.ok("/keys").body)
	require.NoError(t, m.Revoke(t.Context(), listed(t, m).ID))

	large := site.browser()
	large.ok("/begin/large")
	large.ok("/on")
	large.ok("/off")
	require.Equal(t, 1, records(t, m))
	large.ok("/shrink")
	require.Zero(t, records(t, m))
	require.Equal(t, "a", large.ok("/keys").body)
}

// What changes nothing writes nothing and sends no cookie: the same again, and
// anything where there is no session.
func TestSetStored_sameIsNoChange(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := storing(t, m)
	same := func(b *browser, path string) {
		t.Helper()
		before := m.Stats()
		require.Empty(t, b.ok(path).Header["Set-Cookie"])
		require.Equal(t, before.Saves, m.Stats().Saves)
		require.Equal(t, before.Deletes, m.Stats().Deletes)
	}
	b := site.browser()
	same(b, "/on")
	same(b, "/off")
	b.ok("/begin")
	same(b, "/off")
	b.ok("/on")
	same(b, "/on")
	require.Equal(t, 1, records(t, m))
}

// Without WithCookieOnly a session with server-side values has a record anyhow,
// so that SetStored writes nothing. One with client-side values alone gets a
// record by it, and keeps it as any other does.
func TestSetStored_withoutCookieOnly(t *testing.T) {
	m := newManager(t)
	site := storing(t, m)
	site.do("/begin/client", func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) })
	b := site.browser()
	b.ok("/begin")
	before := m.Stats()
	for _, path := range []string{"/on", "/off", "/on"} {
		require.Empty(t, b.ok(path).Header["Set-Cookie"])
	}
	after := m.Stats()
	require.Equal(t, before.Saves, after.Saves)
	require.Equal(t, before.Deletes, after.Deletes)
	require.NoError(t, m.Revoke(t.Context(), listed(t, m).ID))

	client := site.browser()
	client.ok("/begin/client")
	require.Zero(t, records(t, m))
	client.ok("/on")
	require.Equal(t, 1, records(t, m))
	client.ok("/off")
	require.Equal(t, 1, records(t, m))
	require.Equal(t, "c", client.ok("/keys").body)
}

// SetStored and the changes of a request that overlaps are all kept, whichever
// is saved first: also when both give the session its first record.
func TestSetStored_overlapping(t *testing.T) {
	on := func(s *gimlet.Session) { s.SetStored(true) }
	change := func(s *gimlet.Session) { s.Set("b", 2) }
	both := func(s *gimlet.Session) { on(s); s.Set("c", 3) }
	tests := map[string]struct {
		begin      string
		slow, fast func(s *gimlet.Session)
		keys       string
	}{
		"saved first":       {"/begin/large", change, on, "a b"},
		"saved last":        {"/begin/large", on, change, "a b"},
		"two first records": {"/begin", both, func(s *gimlet.Session) { on(s); change(s) }, "a b c"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, gimlet.WithCookieOnly(2000))
			site := storing(t, m)
			g := newGate()
			site.do("/slow", func(s *gimlet.Session) { test.slow(s); g.wait() })
			site.do("/fast", test.fast)
			b := site.browser()
			b.ok(test.begin)
			p := overlap(b, g, "/slow", func() { b.ok("/fast") })
			require.Equal(t, http.StatusOK, p.StatusCode, p.body)
			b.ok("/shrink")
			require.Equal(t, 1, records(t, m))
			require.Equal(t, test.keys, b.ok("/keys").body)
		})
	}
}

// A slower request that knows the session from its cookie alone sends it back
// there, as WithCookieOnly says. The record that is left ends with it.
func TestSetStored_overtakenByTheCookie(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := storing(t, m)
	g := newGate()
	site.do("/slow", func(s *gimlet.Session) { s.Set("b", 2); g.wait() })
	b := site.browser()
	b.ok("/begin")
	var other *browser
	overlap(b, g, "/slow", func() { b.ok("/on"); other = b.steal() })
	require.Equal(t, "a b", b.ok("/keys").body)
	require.Equal(t, "a", other.ok("/keys").body)
	require.NoError(t, m.Revoke(t.Context(), listed(t, m).ID))
	require.Empty(t, b.ok("/keys").body)
	require.Empty(t, other.ok("/keys").body)
}
