package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// lasts requires that a page sets a cookie whose Max-Age and Expires are
// within a second of the session's end on the server, and never after it.
func lasts(t *testing.T, p page, want time.Time) {
	t.Helper()
	require.Len(t, p.Cookies(), 1)
	c := p.Cookies()[0]
	byAge := time.Now().Add(time.Duration(c.MaxAge) * time.Second)
	for _, end := range []time.Time{byAge, c.Expires} {
		require.False(t, end.After(want), "%v after %v", end, want)
		require.Less(t, want.Sub(end), time.Second)
	}
}

// A persistent cookie lasts as long as the session on the server: to its idle
// timeout or its lifetime, whichever comes first, also after it was extended
// by a read.
func TestCookie_lastsAsLongAsTheSession(t *testing.T) {
	const hour = time.Hour
	tests := map[string]struct {
		opts []gimlet.Option
		want time.Duration
	}{
		"by default":      {nil, 24 * hour},
		"no idle timeout": {[]gimlet.Option{gimlet.WithIdleTimeout(0)}, 7 * 24 * hour},
		"short lifetime":  {[]gimlet.Option{gimlet.WithLifetime(5*hour + 7*time.Second)}, 5*hour + 7*time.Second},
		"a fraction":      {[]gimlet.Option{gimlet.WithLifetime(2500 * time.Millisecond)}, 2500 * time.Millisecond},
		"longest":         {[]gimlet.Option{gimlet.WithIdleTimeout(0), gimlet.WithLifetime(400 * 24 * hour)}, 400 * 24 * hour},
		"in the cookie":   {[]gimlet.Option{gimlet.WithCookieOnly(4000)}, 24 * hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, tt.opts...)
				site := newLocal(t, m).begins()
				var end time.Time
				site.do("/end", func(s *gimlet.Session) { s.Get("n"); end = s.Expires() })
				b := site.browser()
				start := time.Now()
				p := b.ok("/set")
				lasts(t, p, start.Add(tt.want))
				b.ok("/end")
				require.Equal(t, start.Add(tt.want), end)
			})
		})
	}
}

// The cookie of a session that was extended by reading, or whose times were
// changed, lasts as long as the session does.
func TestCookie_lastsAsLongWhenExtended(t *testing.T) {
	for name, where := range map[string]gimlet.Option{
		"in the store":  gimlet.WithCookieOnly(0),
		"in the cookie": gimlet.WithCookieOnly(4000),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, where, gimlet.WithIdleTimeout(time.Hour), gimlet.WithLifetime(3*time.Hour))
				site := newLocal(t, m).begins()
				site.do("/half", func(s *gimlet.Session) { s.SetIdleTimeout(30 * time.Minute) })
				site.do("/never", func(s *gimlet.Session) { s.SetIdleTimeout(0) })
				site.do("/long", func(s *gimlet.Session) { s.SetLifetime(10 * time.Hour) })
				b := site.browser()
				start := time.Now()
				lasts(t, b.ok("/set"), start.Add(time.Hour))
				require.Empty(t, b.ok("/get").Cookies())
				time.Sleep(30 * time.Minute)
				lasts(t, b.ok("/get"), start.Add(90*time.Minute))
				time.Sleep(30 * time.Minute)
				lasts(t, b.ok("/half"), start.Add(90*time.Minute))
				time.Sleep(10 * time.Minute)
				lasts(t, b.ok("/never"), start.Add(3*time.Hour))
				lasts(t, b.ok("/long"), start.Add(10*time.Hour))
				time.Sleep(8 * time.Hour)
				require.Equal(t, "five", b.ok("/get").body)
			})
		})
	}
}

// A cookie that ends with the browser has neither Max-Age nor Expires.
func TestCookie_notPersistent(t *testing.T) {
	ends := func(p page) bool {
		require.Len(t, p.Cookies(), 1)
		got := attributes(t, p.Header.Get("Set-Cookie"))
		_, age := got["Max-Age"]
		_, expires := got["Expires"]
		require.Equal(t, age, expires)
		return !age
	}
	for _, persistent := range []bool{true, false} {
		m := newManager(t, gimlet.WithPersistent(persistent))
		site := newLocal(t, m).begins()
		site.do("/on", func(s *gimlet.Session) { s.SetPersistent(true) })
		site.do("/off", func(s *gimlet.Session) { s.SetPersistent(false) })
		b := site.browser()
		require.Equal(t, !persistent, ends(b.ok("/set")), "WithPersistent(%t)", persistent)
		same, other := "/on", "/off"
		if !persistent {
			same, other = other, same
		}
		require.Empty(t, b.ok(same).Cookies(), "no change")
		require.Equal(t, persistent, ends(b.ok(other)))
		require.Equal(t, "five", b.ok("/get").body)
		require.Equal(t, !persistent, ends(site.browser().ok("/set")), "other sessions are not concerned")
	}
}

// The server ends the session though the client kept the cookie, and the
// expiry in the cookie is inside the seal.
func TestCookie_expiryIsTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &eventBook{}
		m := newManager(t, book.option(), gimlet.WithCookieOnly(4000), gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m).begins()
		line := site.ask("/set").line()
		time.Sleep(time.Hour - time.Second)
		require.Equal(t, "five", site.ask("/get", line).body)
		time.Sleep(time.Second)
		book.take()
		p := site.ask("/get", line)
		require.Equal(t, http.StatusOK, p.StatusCode)
		require.Empty(t, p.body)
		require.Empty(t, p.Cookies())
		events := book.take()
		require.Len(t, events, 1)
		require.Equal(t, gimlet.ReasonExpired, events[0].Reason)
	})
}

// A cookie that seems to have been made in the future is refused, beyond what
// clocks of two servers may differ.
func TestCookie_madeInTheFuture(t *testing.T) {
	book := &eventBook{}
	keys := gimlet.WithKeys(key(1))
	lines := map[time.Duration]string{}
	for _, ahead := range []time.Duration{24 * time.Hour, 72 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(ahead) // from the start of the bubble's time
			lines[ahead] = newLocal(t, newManager(t, keys, gimlet.WithCookieOnly(4000))).begins().ask("/set").line()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		site := newLocal(t, newManager(t, keys, book.option(), gimlet.WithCookieOnly(4000))).begins()
		require.Equal(t, "five", site.ask("/get", lines[24*time.Hour]).body)
		require.Empty(t, site.ask("/get", lines[72*time.Hour]).body)
		require.Equal(t, gimlet.ReasonFuture, book.take()[0].Reason)
	})
}
