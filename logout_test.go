package gimlet_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// endable are sessions to log out of: what a copy of their cookies can show
// without the record differs.
var endable = map[string]struct {
	opts []gimlet.Option
	set  func(s *gimlet.Session)
}{
	"record":      {nil, func(s *gimlet.Session) { s.Set("a", 1) }},
	"both sides":  {nil, func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 1, gimlet.ClientSide) }},
	"client-side": {nil, func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) }},
	"cookie only": {[]gimlet.Option{gimlet.WithCookieOnly(2000)}, func(s *gimlet.Session) { s.Set("a", 1) }},
}

// slowLogout serves a site whose /logout waits after it has looked at its
// session.
func slowLogout(t *testing.T, g *gate, opts []gimlet.Option, set func(s *gimlet.Session)) *site {
	site := members(t, newManager(t, opts...), newSite)
	site.do("/begin", set)
	site.do("/slow", func(s *gimlet.Session) {
		require.NotZero(t, s.Len())
		g.wait()
		require.NoError(t, s.Destroy(t.Context()))
		require.Zero(t, s.Len())
		require.Zero(t, s.ID())
	})
	site.do("/renew", func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())) })
	site.do("/shorten", func(s *gimlet.Session) { s.SetLifetime(time.Hour) })
	site.do("/set", func(s *gimlet.Session) { s.Set("b", 1) })
	site.do("/set/client", func(s *gimlet.Session) { s.Set("d", 1, gimlet.ClientSide) })
	site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()); require.Zero(t, s.ID()) })
	return site
}

// A logout that a Login has overtaken neither ends the session of that Login
// nor makes the browser forget its cookie.
func TestLogout_overtakenByALogin(t *testing.T) {
	for name, place := range endable {
		for _, again := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				g := newGate()
				site := slowLogout(t, g, place.opts, place.set)
				b := site.browser()
				b.ok("/begin")
				if again {
					b.ok("/login?name=alice")
				}
				old := b.steal()
				p := overlap(b, g, "/slow", func() { b.ok("/login?name=alice") })
				require.Equal(t, http.StatusOK, p.StatusCode)
				require.Empty(t, p.Header["Set-Cookie"])
				require.Equal(t, "alicedark", b.ok("/who").body)
				old.ok("/nobody")
				b.ok("/logout")
				b.ok("/nobody")
			})
		}
	}
}

// A logout ends what requests beside it make of the session: whatever they have
// changed, and whatever token they have given it.
func TestLogout_endsWhatOthersMade(t *testing.T) {
	for name, place := range endable {
		for _, beside := range []string{"/renew", "/shorten", "/set", "/set/client", "/who"} {
			t.Run(name+beside, func(t *testing.T) {
				g := newGate()
				site := slowLogout(t, g, place.opts, place.set)
				b := site.browser()
				b.ok("/begin")
				old := b.steal()
				var thief *browser
				p := overlap(b, g, "/slow", func() {
					b.ok(beside)
					thief = b.steal()
				})
				require.Equal(t, http.StatusOK, p.StatusCode)
				require.Empty(t, b.cookies())
				thief.ok("/nobody")
				old.ok("/nobody")
			})
		}
	}
}

// The same for a scheduled renewal, and for a logout with the secret from
// before it that comes within the grace.
func TestLogout_besideAScheduledRenewal(t *testing.T) {
	for _, looked := range []bool{true, false} {
		for _, client := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				site := newLocal(t, newManager(t, gimlet.WithRenewal(time.Hour, time.Minute)))
				g := newGate()
				site.do("/begin", func(s *gimlet.Session) {
					s.Set("a", 1)
					if client {
						s.Set("c", 1, gimlet.ClientSide)
					}
				})
				site.do("/read", func(s *gimlet.Session) { s.Get("a") })
				site.do("/slow", func(s *gimlet.Session) {
					if looked {
						require.Equal(t, 1, s.Get("a"))
					}
					g.wait()
					require.NoError(t, s.Destroy(t.Context()))
				})
				site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
				b := site.browser()
				b.ok("/begin")
				time.Sleep(time.Hour)
				other := b.steal()
				overlap(b, g, "/slow", func() { other.ok("/read") })
				other.ok("/nobody")
			})
		}
	}
}

// A session that has moved into its cookie meanwhile ends too.
func TestLogout_movedIntoItsCookie(t *testing.T) {
	g := newGate()
	site := slowLogout(t, g, []gimlet.Option{gimlet.WithCookieOnly(2000)}, func(s *gimlet.Session) {
		s.Set("large", strings.Repeat("x", 3000))
		s.Set("role", "admin")
	})
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large") })
	b := site.browser()
	b.ok("/begin")
	var thief *browser
	overlap(b, g, "/slow", func() {
		b.ok("/shrink")
		thief = b.steal()
	})
	require.NotEmpty(t, thief.cookies())
	thief.ok("/nobody")
}

// Revoke ends one that moves into its cookie between its look and its end.
func TestRevoke_movedIntoItsCookie(t *testing.T) {
	s := &interloper{Store: memory.New()}
	m := newManagerOn(t, s, gimlet.WithCookieOnly(2000))
	site := newLocal(t, m)
	site.do("/begin", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 3000)); s.Set("role", "admin") })
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large") })
	site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
	b := site.browser()
	b.ok("/begin")
	var info gimlet.Info
	for info = range m.Sessions(t.Context(), "") {
	}
	s.save.set(func(context.Context) error {
		b.ok("/shrink")
		return nil
	})
	require.NoError(t, m.Revoke(t.Context(), info.ID))
	require.NotEmpty(t, b.cookies())
	b.ok("/nobody")
}

// A Login that overtakes a logout right before its record goes is not ended by
// it, be it in the same millisecond.
func TestLogout_overtakenAtTheLastMoment(t *testing.T) {
	for name, place := range endable {
		if place.opts != nil || name == "client-side" {
			continue // no record goes
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &interloper{Store: memory.New()}
				site := members(t, newManagerOn(t, s), newLocal).do("/begin", place.set)
				b := site.browser()
				b.ok("/begin")
				other := b.steal()
				s.save.set(func(context.Context) error {
					other.ok("/login?name=alice")
					return nil
				})
				b.ok("/logout")
				require.False(t, s.save.due())
				require.Equal(t, "alicedark", other.ok("/who").body)
				require.Empty(t, b.ok("/who").body)
			})
		})
	}
}

// Copies of its cookies show nothing any more before the record goes, so that a
// crash in between leaves nothing alive.
func TestLogout_cookiesGoFirst(t *testing.T) {
	s := &interloper{Store: memory.New()}
	site := members(t, newManagerOn(t, s), newLocal)
	b := login(site, "alice")
	thief := b.steal()
	require.Equal(t, "dark", thief.ok("/theme").body)
	s.save.set(func(context.Context) error {
		require.Empty(t, thief.ok("/theme").body)
		return nil
	})
	b.ok("/logout")
	require.False(t, s.save.due())
}

// A cookie from before its session had a record ends it, with the secret from
// before a scheduled renewal within the grace too, and not after that.
func TestLogout_cookieFromBeforeTheRecord(t *testing.T) {
	for wait, ended := range map[time.Duration]bool{0: true, 59 * time.Second: true, time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			site := newLocal(t, newManager(t, gimlet.WithCookieOnly(2000), gimlet.WithRenewal(time.Hour, time.Minute))).begins()
			site.do("/store", func(s *gimlet.Session) { s.SetStored(true) })
			b := site.browser()
			b.ok("/set")
			old := b.steal()
			b.ok("/store")
			time.Sleep(time.Hour)
			require.Equal(t, "five", b.ok("/get").body)
			time.Sleep(wait)
			old.ok("/destroy")
			require.Equal(t, ended, b.ok("/get").body == "")
		})
	}
}
