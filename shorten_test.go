package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// shortenings make a session of a day's idle timeout end after an hour.
var shortenings = map[string]func(s *gimlet.Session){
	"lifetime": func(s *gimlet.Session) { s.SetLifetime(time.Hour) },
	"idle":     func(s *gimlet.Session) { s.SetIdleTimeout(time.Hour) },
	"later": func(s *gimlet.Session) {
		s.SetIdleTimeout(0)
		s.SetLifetime(time.Hour)
	},
}

// A cookie from before a session was made to end sooner does not outlive it:
// neither while it lives nor when it has ended by itself.
func TestShorten_olderCookie(t *testing.T) {
	for name, opts := range everyPlace {
		for kind, shorten := range shortenings {
			t.Run(name+" "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					site := newLocal(t, newManager(t, opts...))
					site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 2, gimlet.ClientSide) })
					site.do("/shorten", shorten)
					var a, c any
					site.do("/read", func(s *gimlet.Session) { c = s.Get("c"); a = s.Get("a") })
					b := site.browser()
					b.ok("/begin")
					old := b.steal()
					b.ok("/shorten")
					b.ok("/read")
					require.Equal(t, 1, a)
					require.Equal(t, 2, c)
					for range 30 {
						old.ok("/read")
						require.Nil(t, a)
						require.Nil(t, c)
						time.Sleep(time.Hour)
						b.ok("/read")
						require.Nil(t, a)
						require.Nil(t, c)
					}
				})
			})
		}
	}
}

// What a request gives out after it has made the session end sooner is good for
// the token that the session gets by that.
func TestShorten_inTheSameRequest(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	csrf, ticket, token := "", "", ""
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 2, gimlet.ClientSide) })
	site.do("/shorten", func(s *gimlet.Session) {
		s.SetLifetime(time.Hour)
		csrf = s.CSRFToken()
		_, err := s.Ticket("p", time.Minute)
		require.ErrorContains(t, err, "Commit")
		_, err = s.Token()
		require.ErrorContains(t, err, "Commit")
		require.NoError(t, s.Commit(t.Context()))
		ticket, err = s.Ticket("p", time.Minute)
		require.NoError(t, err)
		token, err = s.Token()
		require.NoError(t, err)
	})
	site.do("/check", func(s *gimlet.Session) { require.True(t, s.ValidCSRF(csrf)) })
	b := site.browser()
	b.ok("/begin")
	b.ok("/shorten")
	b.ok("/check")
	_, err := m.Redeem(t.Context(), "p", ticket)
	require.NoError(t, err)
	_, err = m.Load(t.Context(), token)
	require.NoError(t, err)
}

// A longer life, an equal one, and one of a session whose cookies say nothing
// without the record, ask for no new token.
func TestShorten_otherwiseTheTokenStays(t *testing.T) {
	for name, test := range map[string]struct {
		begin, change func(s *gimlet.Session)
	}{
		"longer": {func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) }, func(s *gimlet.Session) {
			s.SetLifetime(30 * days)
			s.SetIdleTimeout(0)
		}},
		"equal": {func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) }, func(s *gimlet.Session) {
			s.SetLifetime(7 * days)
			s.SetIdleTimeout(24 * time.Hour)
		}},
		"in the record": {func(s *gimlet.Session) { s.Set("a", 1) }, func(s *gimlet.Session) { s.SetLifetime(time.Hour) }},
		"a new one":     {func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide); s.SetLifetime(time.Hour) }, func(*gimlet.Session) {}},
	} {
		m := newManager(t)
		site := newSite(t, m)
		var begun, changed string
		site.do("/begin", func(s *gimlet.Session) { test.begin(s); begun = gimlet.SecretOf(s) })
		site.do("/change", test.change)
		site.do("/secret", func(s *gimlet.Session) { changed = gimlet.SecretOf(s) })
		b := site.browser()
		b.ok("/begin")
		b.ok("/change")
		b.ok("/secret")
		require.Equal(t, begun, changed, name)
	}
}

// A request under way with the token from before goes on as beside a Renew: it
// reads, and does not begin a session whose cookie would replace the new one.
func TestShorten_overtakes(t *testing.T) {
	for name, opts := range everyPlace {
		m := newManager(t, opts...)
		site := newSite(t, m)
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 2, gimlet.ClientSide) })
		site.do("/shorten", func(s *gimlet.Session) { s.SetLifetime(time.Hour) })
		site.do("/slow", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")); g.wait() })
		site.do("/set", func(s *gimlet.Session) { s.Set("b", 1) })
		b := site.browser()
		b.ok("/begin")
		old := b.steal()
		p := overlap(b, g, "/slow", func() { b.ok("/shorten") })
		require.Equal(t, http.StatusOK, p.StatusCode, name)
		require.Empty(t, p.Header["Set-Cookie"], name)
		p = old.get("/set")
		require.Equal(t, http.StatusConflict, p.StatusCode, name)
		require.Empty(t, p.Header["Set-Cookie"], name)
	}
}
