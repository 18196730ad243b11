package gimlet_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// members serves a site with login by /login?name=, and /who, which answers
// with the owner and shows whether the client-side value is visible.
func members(t testing.TB, m *gimlet.Manager, serve func(testing.TB, *gimlet.Manager) *site) *site {
	site := serve(t, m)
	site.on("/login", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.NoError(t, s.Login(r.Context(), r.FormValue("name")))
		s.Set("theme", "dark", gimlet.ClientSide)
		s.Set("agent", r.UserAgent())
	})
	site.on("/logout", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.NoError(t, s.Destroy(r.Context()))
	})
	site.on("/who", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		theme, _ := s.Get("theme").(string)
		_, _ = w.Write([]byte(s.Owner() + theme))
	})
	site.on("/theme", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		theme, _ := s.Get("theme", gimlet.ClientSide).(string)
		_, _ = w.Write([]byte(theme))
	})
	return site
}

func login(site *site, name string) *browser {
	b := site.browser()
	b.ok("/login?name=" + name)
	return b
}

func idOf(t testing.TB, m *gimlet.Manager, owner string) store.ID {
	t.Helper()
	for info, err := range m.Sessions(t.Context(), owner) {
		require.NoError(t, err)
		return info.ID
	}
	require.Fail(t, "no session of "+owner)
	return store.ID{}
}

// RevokeOwner ends the sessions of one owner, those excepted: at once, in the
// hot cache too, and their client-side values.
func TestRevoke_owner(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	first := login(site, "alice")
	keep := idOf(t, m, "alice")
	others := []*browser{login(site, "alice"), login(site, "alice")}
	bob := login(site, "bob")
	for _, b := range append(others, first, bob) {
		b.ok("/who")
	}
	n, err := m.RevokeOwner(t.Context(), "alice", keep)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "alicedark", first.ok("/who").body)
	require.Equal(t, "bobdark", bob.ok("/who").body)
	for _, b := range others {
		require.Empty(t, b.ok("/theme").body)
		require.Empty(t, b.ok("/who").body)
	}
	n, err = m.RevokeOwner(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, first.ok("/who").body)
	_, err = m.RevokeOwner(t.Context(), "")
	require.Error(t, err)
}

// A session that was begun before RevokeAll and is first saved after it is told
// so, with values or without.
func TestRevoke_allBeforeTheFirstSave(t *testing.T) {
	m := newManager(t)
	empty, full := m.Begin(t.Context()), m.Begin(t.Context())
	full.Set("a", 1)
	require.NoError(t, m.RevokeAll(t.Context()))
	require.ErrorIs(t, empty.Commit(t.Context()), gimlet.ErrGone)
	require.ErrorIs(t, full.Commit(t.Context()), gimlet.ErrGone)
	require.Zero(t, records(t, m))
}

// Revoke ends one session by its ID; an ID that names none is no error.
func TestRevoke_one(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	b := login(site, "alice")
	id := idOf(t, m, "alice")
	require.NoError(t, m.Revoke(t.Context(), id))
	require.NoError(t, m.Revoke(t.Context(), id))
	require.Empty(t, b.ok("/theme").body)
	require.Empty(t, b.ok("/who").body)
	require.Error(t, m.Revoke(t.Context(), store.ID{}))
}

// RevokeAll ends every session in O(1), whatever their number, and new ones
// work.
func TestRevoke_all(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	var all []*browser
	for i := range 20 {
		all = append(all, login(site, "user"+strconv.Itoa(i)))
	}
	before := m.Stats().Store
	require.NoError(t, m.RevokeAll(t.Context()))
	after := m.Stats().Store
	require.Equal(t, before.Loads+1, after.Loads)
	require.Equal(t, before.Saves+1, after.Saves)
	require.Equal(t, before.Deletes, after.Deletes)
	for _, b := range all {
		require.Empty(t, b.ok("/theme").body)
		require.Empty(t, b.ok("/who").body)
	}
	require.Zero(t, records(t, m))
	require.Equal(t, "alicedark", login(site, "alice").ok("/who").body)
}

// A request that overlaps a revocation cannot undo it, in any form of it.
func TestRevoke_inFlight(t *testing.T) {
	for name, revoke := range map[string]func(m *gimlet.Manager) error{
		"one":   func(m *gimlet.Manager) error { return m.Revoke(t.Context(), idOf(t, m, "alice")) },
		"owner": func(m *gimlet.Manager) error { _, err := m.RevokeOwner(t.Context(), "alice"); return err },
		"all":   func(m *gimlet.Manager) error { return m.RevokeAll(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			site := members(t, m, newSite)
			g := newGate()
			site.do("/slow", func(s *gimlet.Session) { s.Set("a", 1); g.wait() })
			b := login(site, "alice")
			p := overlap(b, g, "/slow", func() { require.NoError(t, revoke(m)) })
			require.Equal(t, http.StatusConflict, p.StatusCode)
			require.Empty(t, p.Header["Set-Cookie"])
			require.Empty(t, b.ok("/who").body)
			require.Zero(t, records(t, m))
		})
	}
}

// Another manager on the same store notices revocations within 10 seconds, and
// one that is opened later at once.
func TestRevoke_otherProcesses(t *testing.T) {
	for name, revoke := range map[string]func(t *testing.T, m *gimlet.Manager) error{
		"owner": func(t *testing.T, m *gimlet.Manager) error { _, err := m.RevokeOwner(t.Context(), "alice"); return err },
		"all":   func(t *testing.T, m *gimlet.Manager) error { return m.RevokeAll(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := keep{memory.New()}
				open := func() *gimlet.Manager {
					m, err := gimlet.New(shared)
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, m.Close()) })
					return m
				}
				one, two := open(), open()
				b := login(members(t, one, newLocal), "alice")
				there := members(t, two, newLocal).browser()
				there.set(b.cookies()...)
				require.Equal(t, "alicedark", there.ok("/who").body)
				require.NoError(t, revoke(t, one))
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Empty(t, there.ok("/theme").body)
				require.Empty(t, there.ok("/who").body)
				later := members(t, open(), newLocal).browser()
				later.set(b.cookies()...)
				require.Empty(t, later.ok("/theme").body)
			})
		})
	}
}

// Sessions lists all and only the live sessions of an owner, with what the app
// stored in them; the ID opens nothing.
func TestSessions_list(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	site.do("/anonymous", func(s *gimlet.Session) { s.Set("a", 1) })
	login(site, "alice")
	login(site, "alice")
	login(site, "alicia")
	site.browser().ok("/anonymous")
	gone := login(site, "alice")
	gone.ok("/logout")
	n := 0
	for info, err := range m.Sessions(t.Context(), "alice") {
		require.NoError(t, err)
		require.Equal(t, "alice", info.Owner)
		require.Equal(t, "Go-http-client/1.1", info.Get("agent"))
		require.Nil(t, info.Get("nothing"))
		require.False(t, info.LoggedIn.IsZero())
		keys := 0
		for range info.All() {
			keys++
		}
		require.Equal(t, 1, keys)
		_, err := m.Load(t.Context(), info.ID.String())
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		n++
	}
	require.Equal(t, 2, n)
	require.Equal(t, 4, records(t, m))
	for range m.Sessions(t.Context(), "") {
		break
	}
}

// Destroy, then Set, in one request: a brand-new session and a live cookie.
func TestDestroy_thenSet(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	var old, new string
	site.do("/restart", func(s *gimlet.Session) {
		old = s.ID().String()
		require.NoError(t, s.Destroy(t.Context()))
		require.Nil(t, s.Get("agent"))
		require.Zero(t, s.Len())
		require.NoError(t, s.Destroy(t.Context()))
		s.Set("fresh", true)
		require.True(t, s.IsNew())
		new = s.ID().String()
	})
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := login(site, "alice")
	before := b.steal()
	require.Len(t, b.ok("/restart").setCookie("__Host-id="), 1)
	require.NotEqual(t, old, new)
	b.ok("/keys")
	require.Equal(t, []string{"fresh"}, keys)
	require.Empty(t, before.ok("/who").body)
	require.Equal(t, 1, records(t, m))
}

// After an old backup was restored, sessions from after it stay out, also when
// RevokeAll is called once more.
func TestRevoke_allAfterRestore(t *testing.T) {
	dir := t.TempDir()
	routes := func(m *gimlet.Manager) *site {
		site := newSite(t, m)
		site.do("/set", func(s *gimlet.Session) { s.Set("theme", "dark", gimlet.ClientSide) })
		site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
		return site
	}
	withFile(t, dir+"/old.db", func(*gimlet.Manager) {})
	old, err := os.ReadFile(dir + "/old.db")
	require.NoError(t, err)
	var after []*http.Cookie
	withFile(t, dir+"/old.db", func(m *gimlet.Manager) {
		require.NoError(t, m.RevokeAll(t.Context()))
		b := routes(m).browser()
		b.ok("/set")
		after = b.cookies()
	})
	require.NoError(t, os.WriteFile(dir+"/restored.db", old, 0o600))
	withFile(t, dir+"/restored.db", func(m *gimlet.Manager) {
		b := routes(m).browser()
		b.set(after...)
		b.ok("/nobody")
		require.NoError(t, m.RevokeAll(t.Context()))
		b.ok("/nobody")
	})
}
