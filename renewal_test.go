package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// The schedule of WithRenewal holds under WithManualCommit too, and saves
// nothing else.
func TestRenewal_manualCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithManualCommit(true), gimlet.WithRenewal(time.Hour, time.Minute))
		site := newLocal(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); require.NoError(t, s.Commit(t.Context())) })
		secret := ""
		site.do("/read", func(s *gimlet.Session) {
			require.Equal(t, []string{"a"}, s.Keys())
			secret = gimlet.SecretOf(s)
			s.Set("b", 1)
			require.NoError(t, s.Renew(t.Context()))
		})
		b := site.browser()
		b.ok("/begin")
		seen := map[string]bool{}
		for range 10 {
			time.Sleep(61 * time.Minute)
			b.ok("/read")
			seen[secret] = true
			require.Empty(t, b.ok("/read").Cookies(), "renewed by the response before")
		}
		require.Len(t, seen, 10)
	})
}

// A cookie from before a renewal shows nothing after the grace, also where the
// headers are out, so that no renewal is due.
func TestRenewal_oldCookieAfterTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, gimlet.WithRenewal(time.Hour, time.Minute)))
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 1, gimlet.ClientSide) })
		site.do("/read", func(s *gimlet.Session) { s.Get("a") })
		var c any
		site.on("/stream", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			c = s.Get("c")
		})
		b := site.browser()
		b.ok("/begin")
		old := b.steal()
		time.Sleep(90 * time.Minute)
		old.ok("/stream")
		require.Equal(t, 1, c, "nothing has renewed it yet")
		b.ok("/read")
		time.Sleep(2 * time.Minute)
		old.ok("/stream")
		require.Nil(t, c)
		b.ok("/stream")
		require.Equal(t, 1, c)
	})
}

// A request for which a renewal is due, and whose session ended meanwhile, is
// answered if it has only read.
func TestRenewal_endedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, gimlet.WithRenewal(time.Hour, time.Minute)))
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/slow", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")); g.wait() })
		site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
		b := site.browser()
		b.ok("/begin")
		time.Sleep(time.Hour)
		other := b.steal()
		p := overlap(b, g, "/slow", func() { other.ok("/logout") })
		require.Equal(t, http.StatusOK, p.StatusCode)
		require.Empty(t, p.Header["Set-Cookie"])
	})
}

// Of two requests that give a session a new token at once the slower one is
// told, wherever the session lives: its own token was dead when it came to it.
func TestRenew_twiceAtOnce(t *testing.T) {
	for name, place := range endable {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, newManager(t, place.opts...))
			g := newGate()
			site.do("/begin", place.set)
			site.do("/slow", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())); g.wait() })
			site.do("/fast", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
			n := 0
			site.do("/read", func(s *gimlet.Session) { n = s.Len() })
			b := site.browser()
			b.ok("/begin")
			p := overlap(b, g, "/slow", func() { b.ok("/fast") })
			require.Equal(t, http.StatusConflict, p.StatusCode)
			require.Empty(t, p.Header["Set-Cookie"])
			b.ok("/read")
			require.NotZero(t, n)
		})
	}
}

// A request that comes in the grace with the cookie from before, one that is
// remembered, takes the new secret and from then on goes by that.
func TestRenewal_conflictInTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, gimlet.WithRenewal(time.Hour, time.Minute)))
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/read", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")) })
		site.do("/slow", func(s *gimlet.Session) { s.Set("slow", 1); g.wait() })
		site.do("/fast", func(s *gimlet.Session) { s.Set("fast", 1) })
		var keys []string
		site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
		b := site.browser()
		b.ok("/begin")
		for range 3 {
			b.ok("/read") // so that the cookie is remembered
		}
		time.Sleep(61 * time.Minute)
		old := b.steal()
		b.ok("/read")
		time.Sleep(30 * time.Second)
		require.Equal(t, http.StatusOK, overlap(old, g, "/slow", func() { b.ok("/fast") }).StatusCode)
		b.ok("/keys")
		require.Equal(t, []string{"a", "fast", "slow"}, keys)
	})
}

// A handler that takes its time between two looks at the session is judged by
// the clock of the second.
func TestRenewal_graceEndsInTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, gimlet.WithRenewal(time.Hour, time.Minute)))
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 1, gimlet.ClientSide) })
		site.do("/read", func(s *gimlet.Session) { s.Get("a") })
		b := site.browser()
		b.ok("/begin")
		old := b.steal()
		time.Sleep(59 * time.Minute)
		site.do("/slow", func(s *gimlet.Session) {
			require.Equal(t, 1, s.Get("c"))
			time.Sleep(2 * time.Minute)
			b.ok("/read")
			time.Sleep(2 * time.Minute)
			require.Nil(t, s.Get("a"), "the grace is over")
		})
		old.ok("/slow")
	})
}
