package gimlet_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// RefuseLogin keeps the sessions that an owner has: one more Login is an
// error, and its session goes on without an owner. It holds under 50 at once.
func TestLimit_refuseLogin(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSessionsPerOwner(3), gimlet.WithLimitPolicy(gimlet.RefuseLogin))
	site := newSite(t, m)
	site.on("/login", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		if err := s.Login(r.Context(), "alice"); err != nil {
			require.ErrorIs(t, err, gimlet.ErrTooManySessions)
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
	var wg sync.WaitGroup
	in := make(chan *browser, 50)
	for range 50 {
		wg.Go(func() {
			b := site.browser()
			if b.get("/login").StatusCode == http.StatusOK {
				in <- b
			}
		})
	}
	wg.Wait()
	close(in)
	require.Equal(t, 3, records(t, m))
	require.Len(t, in, 3)
	first := <-in
	require.Equal(t, http.StatusOK, first.get("/login").StatusCode, "once more in one's own session")
	require.Equal(t, http.StatusTooManyRequests, site.browser().get("/login").StatusCode)
	first.ok("/logout")
	require.Equal(t, http.StatusOK, site.browser().get("/login").StatusCode)
	require.Equal(t, 3, records(t, m))
}

// RevokeOwned ends a session only if it belongs to the owner.
func TestRevoke_owned(t *testing.T) {
	m := newManager(t)
	site := members(t, m, newSite)
	alice, bob := login(site, "alice"), login(site, "bob")
	id := idOf(t, m, "alice")
	ended, err := m.RevokeOwned(t.Context(), "bob", id)
	require.NoError(t, err)
	require.False(t, ended)
	require.Equal(t, "alicedark", alice.ok("/who").body)
	ended, err = m.RevokeOwned(t.Context(), "alice", id)
	require.NoError(t, err)
	require.True(t, ended)
	require.Empty(t, alice.ok("/who").body)
	require.Equal(t, "bobdark", bob.ok("/who").body)
	for _, owner := range []string{"", "alice"} {
		ended, err = m.RevokeOwned(t.Context(), owner, id)
		require.NoError(t, err)
		require.False(t, ended)
	}
}

// Events tell the address that a request came from, so that a program can
// count failures by it.
func TestEvents_peer(t *testing.T) {
	var events eventBook
	m := newManager(t, events.option())
	site := newSite(t, m)
	site.do("/", func(s *gimlet.Session) { s.Get("a") })
	b := site.browser()
	for i := range 5 {
		b.set(cookieNamed("__Host-id", "1guess"+strconv.Itoa(i)))
		b.ok("/")
	}
	seen := events.take()
	require.Len(t, seen, 5)
	for _, e := range seen {
		require.Equal(t, gimlet.EventRejected, e.Kind)
		require.Contains(t, e.Peer, "127.0.0.1:")
	}
}

// The event of a limit tells where the login came from, whatever the policy.
func TestEvents_peerOfLimit(t *testing.T) {
	for _, policy := range []gimlet.LimitPolicy{gimlet.EndOldest, gimlet.RefuseLogin} {
		var events eventBook
		m := newManager(t, events.option(), gimlet.WithMaxSessionsPerOwner(1), gimlet.WithLimitPolicy(policy))
		site := newSite(t, m)
		site.do("/login", func(s *gimlet.Session) { _ = s.Login(t.Context(), "alice") })
		site.browser().ok("/login")
		events.take()
		site.browser().ok("/login")
		limits := 0
		for _, e := range events.take() {
			if e.Kind == gimlet.EventLimit {
				limits++
				require.Contains(t, e.Peer, "127.0.0.1:")
				require.Equal(t, "alice", e.Owner)
			}
		}
		require.Equal(t, 1, limits)
	}
}

func cookieNamed(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true}
}
