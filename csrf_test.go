package gimlet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A CSRF token belongs to its session, is the same for all its pages, and dies
// with Login and Renew. It needs no record and no I/O.
func TestCSRF_lifeOfToken(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	var token string
	site.do("/form", func(s *gimlet.Session) { token = s.CSRFToken() })
	var valid bool
	site.do("/post", func(s *gimlet.Session) { valid = s.ValidCSRF(token) })
	site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
	site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
	a, b := site.browser(), site.browser()

	before := m.Stats().Store
	a.ok("/form")
	require.NotEmpty(t, token)
	first := token
	a.ok("/form")
	require.Equal(t, first, token)
	a.ok("/post")
	require.True(t, valid)
	require.Equal(t, before, m.Stats().Store)

	b.ok("/post")
	require.False(t, valid, "without a session")
	b.ok("/form")
	require.NotEqual(t, first, token)
	token = first
	b.ok("/post")
	require.False(t, valid, "of another session")

	for _, path := range []string{"/login", "/login", "/renew"} {
		a.ok("/form")
		old := token
		a.ok(path)
		a.ok("/post")
		require.False(t, valid, path)
		a.ok("/form")
		require.NotEqual(t, old, token)
		a.ok("/post")
		require.True(t, valid)
	}
	for _, token = range []string{"", "x", token[1:], token + "A"} {
		a.ok("/post")
		require.False(t, valid)
	}
}

// A token that was made in the request that logs in is valid afterwards.
func TestCSRF_madeWithLogin(t *testing.T) {
	site := newSite(t, newManager(t))
	var token string
	site.do("/login", func(s *gimlet.Session) {
		require.NoError(t, s.Login(t.Context(), "alice"))
		token = s.CSRFToken()
	})
	site.do("/post", func(s *gimlet.Session) { require.True(t, s.ValidCSRF(token)) })
	b := site.browser()
	b.ok("/login")
	b.ok("/post")
}

// Forms that are open while the ring key rotates, or while the session gets
// its scheduled renewal, stay valid.
func TestCSRF_outlivesRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithLifetime(100*24*time.Hour), gimlet.WithIdleTimeout(0), gimlet.WithRenewal(time.Hour, time.Minute))
		site := newLocal(t, m)
		var token string
		site.do("/form", func(s *gimlet.Session) { s.Set("a", 1); token = s.CSRFToken() })
		var valid bool
		site.do("/post", func(s *gimlet.Session) { valid = s.ValidCSRF(token) })
		b := site.browser()
		b.ok("/form")
		first := token
		for range 70 {
			time.Sleep(24 * time.Hour)
			b.ok("/post")
			require.True(t, valid)
		}
		b.ok("/form")
		require.NotEqual(t, first, token, "the ring key did not rotate: the test shows nothing")
	})
}
