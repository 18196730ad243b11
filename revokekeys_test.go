package gimlet_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// revokesAll removes every key of the ring.
func revokesAll(t *testing.T, m *gimlet.Manager) {
	t.Helper()
	require.NoError(t, m.RevokeKeys(t.Context(), time.Now().Add(time.Hour)))
}

// Whatever a removed key has sealed opens nothing: tokens, tickets and CSRF
// tokens as well as cookies.
func TestRevokeKeys_everyPurpose(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	s.Set("a", 1)
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	ticket, err := s.Ticket("p", time.Hour)
	require.NoError(t, err)
	form := s.CSRFToken()
	opens := func(want error) {
		_, err := m.Load(t.Context(), token)
		require.ErrorIs(t, err, want)
		_, err = m.Redeem(t.Context(), "p", ticket)
		require.ErrorIs(t, err, want)
		require.Equal(t, want == nil, s.ValidCSRF(form))
	}
	opens(nil)
	revokesAll(t, m)
	opens(gimlet.ErrNoSession)
}

// A key that RevokeKeys leaves ends 400 days after its turn, like any other.
func TestRevokeKeys_keptKeyIsRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		ring := func(work func(m *gimlet.Manager)) (keys [][]byte) {
			run(t, shared, func(m *gimlet.Manager, _ *site) {
				work(m)
				keys = gimlet.RingKeys(m)
			})
			return keys
		}
		nothing := func(*gimlet.Manager) {}
		ring(nothing)
		time.Sleep(31 * days)
		require.Len(t, ring(nothing), 2)
		time.Sleep(10 * days)
		keys := ring(func(m *gimlet.Manager) { require.NoError(t, m.RevokeKeys(t.Context(), time.Now().Add(-20*days))) })
		require.Len(t, keys, 2, "the one that was kept and the new one")
		kept := keys[0]
		has := func(keys [][]byte) bool {
			for _, key := range keys {
				if bytes.Equal(key, kept) {
					return true
				}
			}
			return false
		}
		time.Sleep(390 * days)
		require.True(t, has(ring(nothing)), "cookies that it has sealed may be alive")
		time.Sleep(60 * days)
		require.False(t, has(ring(nothing)))
	})
}

// If there is no key to remove none is made, and nothing is told.
func TestRevokeKeys_noneRemoved(t *testing.T) {
	var events eventBook
	m := newManager(t, events.option())
	before := gimlet.RingKeys(m)
	events.take()
	require.NoError(t, m.RevokeKeys(t.Context(), time.Time{}))
	require.Empty(t, events.take())
	require.Equal(t, before, gimlet.RingKeys(m))
	revokesAll(t, m)
	require.Equal(t, []gimlet.EventKind{gimlet.EventKeysRevoked}, events.kinds())
	require.NotEqual(t, before, gimlet.RingKeys(m))
}

// A request that is under way with what a removed key has sealed gets no new
// cookie for it, neither the session's nor the one that ends with the browser:
// what may have been forged must not live on under the new key. One that has
// begun its session, ends it or only reads is not disturbed.
func TestRevokeKeys_inFlight(t *testing.T) {
	for what, test := range map[string]struct {
		work func(s *gimlet.Session)
		want int
	}{
		"client-side": {func(s *gimlet.Session) { s.Set("d", 1, gimlet.ClientSide) }, http.StatusConflict},
		"transient":   {func(s *gimlet.Session) { s.Set("d", 1, gimlet.ClientSide|gimlet.Transient) }, http.StatusConflict},
		"renewed":     {func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) }, http.StatusConflict},
		"server-side": {func(s *gimlet.Session) { s.Set("d", 1) }, http.StatusConflict},
		"read":        {func(s *gimlet.Session) { require.True(t, s.Has("c")) }, http.StatusOK},
		"ended":       {func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) }, http.StatusOK},
		"begun anew": {func(s *gimlet.Session) {
			require.NoError(t, s.Destroy(t.Context()))
			s.Set("d", 1, gimlet.ClientSide)
		}, http.StatusOK},
	} {
		t.Run(what, func(t *testing.T) {
			for name, opts := range everyPlace {
				t.Run(name, func(t *testing.T) {
					m := newManager(t, opts...)
					site := newSite(t, m)
					g := newGate()
					site.do("/set", func(s *gimlet.Session) {
						s.Set("c", 1, gimlet.ClientSide)
						if what == "transient" {
							s.Set("t", 1, gimlet.ClientSide|gimlet.Transient)
						}
					})
					site.do("/slow", func(s *gimlet.Session) { s.Get("c"); g.wait(); test.work(s) })
					var seen bool
					site.do("/get", func(s *gimlet.Session) { seen = s.Has("c") || s.Has("t") })
					b := site.browser()
					b.ok("/set")
					b.ok("/get")
					require.True(t, seen)
					p := overlap(b, g, "/slow", func() { revokesAll(t, m) })
					require.Equal(t, test.want, p.StatusCode)
					if test.want == http.StatusConflict {
						require.Empty(t, p.Cookies())
						for info, err := range m.Sessions(t.Context(), "") {
							require.NoError(t, err)
							require.Nil(t, info.Get("d"), "nothing was saved")
						}
					}
					b.ok("/get")
					require.False(t, seen)
				})
			}
		})
	}
}

// The same for the second cookie alone, beside a session's cookie that a newer
// key has sealed.
func TestRevokeKeys_inFlightSecondCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		life := []gimlet.Option{gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
		var cookies []*http.Cookie
		run(t, shared, func(_ *gimlet.Manager, site *site) {
			site.do("/fill", func(s *gimlet.Session) {
				s.Set("a", 1)
				s.Set("t", 1, gimlet.ClientSide|gimlet.Transient)
			})
			b := site.browser()
			b.ok("/fill")
			cookies = b.cookies()
		}, life...)
		time.Sleep(29*days + time.Hour)
		run(t, shared, func(*gimlet.Manager, *site) {}, life...) // makes the next key
		made := time.Now()
		time.Sleep(2 * days)
		run(t, shared, func(m *gimlet.Manager, site *site) {
			site.do("/read", func(s *gimlet.Session) { s.Get("a") })
			old, both := site.browser(), site.browser()
			old.set(cookies...)
			both.take(old, "__Host-id.t")
			old.ok("/read") // has both sealed anew
			both.take(old, "__Host-id")
			during := func() {}
			site.do("/slow", func(s *gimlet.Session) {
				require.Equal(t, 1, s.Get("t"))
				during()
				s.Set("u", 1, gimlet.ClientSide|gimlet.Transient)
			})
			require.Equal(t, http.StatusOK, both.steal().get("/slow").StatusCode)
			during = func() { require.NoError(t, m.RevokeKeys(t.Context(), made)) }
			require.Equal(t, http.StatusConflict, both.get("/slow").StatusCode)
			require.Equal(t, http.StatusOK, old.get("/slow").StatusCode, "both of its cookies are the newer key's")
		}, life...)
	})
}

// Neither does a handle that was opened with such a token hand out a new one.
func TestRevokeKeys_inFlightTokens(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	s.Set("a", 1)
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	open := func() *gimlet.Session {
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		_, err = s.Token()
		require.NoError(t, err)
		return s
	}
	one, two, three := open(), open(), open()
	revokesAll(t, m)
	_, err = one.Token()
	require.ErrorIs(t, err, gimlet.ErrGone)
	_, err = two.Ticket("p", time.Minute)
	require.ErrorIs(t, err, gimlet.ErrGone)
	require.Empty(t, three.CSRFToken())
	require.ErrorIs(t, three.Err(), gimlet.ErrGone)
	token, err = s.Token()
	require.NoError(t, err, "this handle has begun the session: no key had to be believed")
	open()
}

// With RefuseLogin the sessions that nobody can reach any more count, until
// RevokeAll.
func TestRevokeKeys_refuseLogin(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSessionsPerOwner(1), gimlet.WithLimitPolicy(gimlet.RefuseLogin))
	login := func() error {
		s := m.Begin(t.Context())
		if err := s.Login(t.Context(), "alice"); err != nil {
			return err
		}
		return s.Commit(t.Context())
	}
	require.NoError(t, login())
	revokesAll(t, m)
	require.ErrorIs(t, login(), gimlet.ErrTooManySessions)
	require.NoError(t, m.RevokeAll(t.Context()))
	require.NoError(t, login())
}
