package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// RequireFresh asks how long ago the owner proved who they are, not how long
// ago they were active.
func TestFresh_countsFromLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		site := members(t, m, newLocal)
		secure := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret page")) })
		again := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusSeeOther) })
		site.mux.Handle("/pay", gimlet.RequireFresh(10*time.Minute, again)(secure))
		site.mux.Handle("/plain", gimlet.RequireFresh(10*time.Minute, nil)(secure))
		site.do("/set", func(s *gimlet.Session) { s.Set("a", 1); require.True(t, s.LoggedIn().IsZero()) })
		site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
		b := site.browser()
		require.Equal(t, http.StatusSeeOther, b.get("/pay").StatusCode)
		require.Equal(t, http.StatusForbidden, b.get("/plain").StatusCode)
		b.ok("/set")
		require.Equal(t, http.StatusSeeOther, b.get("/pay").StatusCode, "a session without an owner is not fresh")
		b.ok("/login?name=alice")
		for range 10 {
			require.Equal(t, "secret page", b.ok("/pay").body)
			time.Sleep(time.Minute)
		}
		b.ok("/renew")
		time.Sleep(time.Millisecond)
		require.Equal(t, http.StatusSeeOther, b.get("/pay").StatusCode, "activity and Renew do not count")
		b.ok("/login?name=alice")
		require.Equal(t, "secret page", b.ok("/pay").body)
	})
}

// In the request that logs in, LoggedIn is now.
func TestFresh_inTheSameRequest(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	require.False(t, s.Fresh(time.Hour))
	require.NoError(t, s.Login(t.Context(), "alice"))
	require.True(t, s.Fresh(time.Second))
	require.WithinDuration(t, time.Now(), s.LoggedIn(), time.Second)
}

// SetDefault sets a value only if there is none; of requests that overlap the
// one that is saved first decides.
func TestSession_setDefault(t *testing.T) {
	site := newSite(t, newManager(t))
	g := newGate()
	site.do("/first", func(s *gimlet.Session) {
		require.Equal(t, "a", s.SetDefault("k", "a"))
		require.Equal(t, "a", s.SetDefault("k", "b"))
	})
	site.do("/later", func(s *gimlet.Session) { require.Equal(t, "a", s.SetDefault("k", "c", gimlet.ClientSide)) })
	site.do("/slow", func(s *gimlet.Session) { require.Equal(t, "slow", s.SetDefault("other", "slow")); g.wait() })
	site.do("/fast", func(s *gimlet.Session) { require.Equal(t, "fast", s.SetDefault("other", "fast")) })
	site.do("/check", func(s *gimlet.Session) { require.Equal(t, "fast", s.Get("other")) })
	site.do("/bad", func(s *gimlet.Session) { require.Nil(t, s.SetDefault("k2", func() {})); require.Error(t, s.Err()) })
	b := site.browser()
	b.ok("/first")
	b.ok("/later")
	require.Equal(t, http.StatusOK, overlap(b, g, "/slow", func() { b.ok("/fast") }).StatusCode)
	b.ok("/check")
	require.Equal(t, http.StatusInternalServerError, b.get("/bad").StatusCode)
}
