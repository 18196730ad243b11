package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// alive reports whether the browser still has a session.
func alive(b *browser) bool { return b.ok("/read").body == "alive" }

// clock serves a session with one server-side and one client-side value, and
// runs f with a browser that has it, in simulated time.
func clock(t *testing.T, f func(t *testing.T, m *gimlet.Manager, b *browser), opts ...gimlet.Option) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, opts...)
		site := newLocal(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 1, gimlet.ClientSide) })
		site.on("/read", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			if s.Has("a") {
				_, _ = w.Write([]byte("alive"))
			}
			require.Equal(t, s.Has("a"), s.Has("c"))
		})
		site.do("/write", func(s *gimlet.Session) { s.Set("n", time.Now().UnixNano()) })
		site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
		site.do("/untouched", func(s *gimlet.Session) {})
		b := site.browser()
		b.ok("/begin")
		f(t, m, b)
	})
}

// Idle timeout: one millisecond before, the session is accepted; at the
// timeout it is not, whoever keeps the cookie, and the sweep removes its record.
func TestLifetime_idleTimeout(t *testing.T) {
	for name, wait := range map[string]time.Duration{"before": time.Hour - time.Millisecond, "at": time.Hour} {
		clock(t, func(t *testing.T, m *gimlet.Manager, b *browser) {
			keeper := b.steal() // a client that ignores the cookie's expiry
			time.Sleep(wait)
			require.Equal(t, name == "before", alive(keeper))
			if name == "at" {
				require.Zero(t, records(t, m))
				n, err := m.Sweep(t.Context())
				require.NoError(t, err)
				require.Equal(t, 1, n)
			}
		}, gimlet.WithIdleTimeout(time.Hour))
	}
}

// Activity, reading included, extends the idle timeout; with at most one touch
// and one cookie in a tenth of the window. A request that does not touch the
// session is no activity.
func TestLifetime_activityExtends(t *testing.T) {
	clock(t, func(t *testing.T, m *gimlet.Manager, b *browser) {
		before := m.Stats()
		for range 600 { // 10 hours
			time.Sleep(time.Minute)
			require.True(t, alive(b))
		}
		after := m.Stats()
		require.LessOrEqual(t, after.Touches-before.Touches, uint64(100))
		require.LessOrEqual(t, after.Cookies-before.Cookies, uint64(100))
		require.Equal(t, before.Saves, after.Saves)
		for range 60 {
			time.Sleep(time.Minute)
			b.ok("/untouched")
		}
		require.False(t, alive(b))
	}, gimlet.WithIdleTimeout(time.Hour))
}

// Of requests that come at once when a touch is due, one touches the store.
func TestLifetime_touchesOnce(t *testing.T) {
	clock(t, func(t *testing.T, m *gimlet.Manager, b *browser) {
		time.Sleep(10 * time.Minute)
		before := m.Stats()
		for range 5 {
			require.True(t, alive(b.steal())) // each still has the older cookie
		}
		after := m.Stats()
		require.Equal(t, before.Touches+1, after.Touches)
		require.Equal(t, before.Cookies+5, after.Cookies)
	}, gimlet.WithIdleTimeout(time.Hour))
}

// The lifetime ends a session regardless of activity; only Login begins it
// anew.
func TestLifetime_absolute(t *testing.T) {
	for _, login := range []bool{false, true} {
		clock(t, func(t *testing.T, _ *gimlet.Manager, b *browser) {
			for range 11 {
				time.Sleep(time.Hour)
				b.ok("/write")
				require.True(t, alive(b))
			}
			if login {
				b.ok("/login")
			}
			time.Sleep(time.Hour)
			require.Equal(t, login, alive(b))
		}, gimlet.WithLifetime(12*time.Hour), gimlet.WithIdleTimeout(2*time.Hour))
	}
}

// A persistent cookie's Max-Age is the server's bound to the second; without
// an idle timeout that is the lifetime.
func TestLifetime_cookieAgreesWithServer(t *testing.T) {
	tests := map[string]struct {
		opts   []gimlet.Option
		maxAge int
	}{
		"idle":       {[]gimlet.Option{gimlet.WithIdleTimeout(time.Hour)}, 3600},
		"lifetime":   {[]gimlet.Option{gimlet.WithLifetime(90 * time.Minute), gimlet.WithIdleTimeout(0)}, 5400},
		"the nearer": {[]gimlet.Option{gimlet.WithLifetime(30 * time.Minute), gimlet.WithIdleTimeout(time.Hour)}, 1800},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newLocal(t, newManager(t, test.opts...))
				var expires time.Time
				site.do("/", func(s *gimlet.Session) { s.Set("a", 1); expires = s.Expires() })
				c := site.browser().ok("/").Cookies()[0]
				require.Equal(t, test.maxAge, c.MaxAge)
				require.WithinDuration(t, expires, c.Expires, time.Second)
				require.WithinDuration(t, time.Now().Add(time.Duration(test.maxAge)*time.Second), expires, time.Second)
			})
		})
	}
}

// SetLifetime, SetIdleTimeout and SetPersistent change one session, and no
// other; an explicit time is honoured to the second, shorter or longer.
func TestLifetime_perSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithLifetime(24*time.Hour), gimlet.WithIdleTimeout(0))
		site := newLocal(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/short", func(s *gimlet.Session) { s.SetLifetime(time.Hour) })
		site.do("/long", func(s *gimlet.Session) { s.SetLifetime(48 * time.Hour) })
		site.do("/idle", func(s *gimlet.Session) { s.SetIdleTimeout(10 * time.Minute) })
		site.do("/browser", func(s *gimlet.Session) { s.SetPersistent(false) })
		site.on("/read", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			if s.Has("a") {
				_, _ = w.Write([]byte("alive"))
			}
		})
		open := func(paths ...string) *browser {
			b := site.browser()
			b.ok("/begin")
			for _, path := range paths {
				b.ok(path)
			}
			return b.steal() // keeps cookies that have expired
		}
		plain, short, long, idle, browser := open(), open("/short"), open("/long"), open("/idle"), open("/browser")
		require.Empty(t, browser.ok("/read").Header["Set-Cookie"])

		time.Sleep(10*time.Minute - time.Second)
		require.True(t, alive(short))
		time.Sleep(time.Second)
		require.False(t, alive(idle))
		time.Sleep(50*time.Minute - time.Second)
		require.True(t, alive(short))
		time.Sleep(time.Second)
		require.False(t, alive(short))
		time.Sleep(23*time.Hour - time.Second)
		require.True(t, alive(plain))
		require.True(t, alive(browser))
		time.Sleep(time.Second)
		require.False(t, alive(plain))
		require.False(t, alive(browser))
		require.True(t, alive(long))
		time.Sleep(24 * time.Hour)
		require.False(t, alive(long))
	})
}

// SetPersistent(false) makes the cookie one that ends with the browser, and
// the server ends it at its time all the same.
func TestLifetime_notPersistent(t *testing.T) {
	for name, begin := range map[string]func(s *gimlet.Session){
		"per session": func(s *gimlet.Session) { s.Set("a", 1); s.SetPersistent(false) },
		"by option":   func(s *gimlet.Session) { s.Set("a", 1) },
	} {
		site := newSite(t, newManager(t, gimlet.WithPersistent(name != "by option")))
		site.do("/", begin)
		c := site.browser().ok("/").Cookies()[0]
		require.Zero(t, c.MaxAge, name)
		require.Zero(t, c.Expires, name)
	}
}

// Times are of this session, in order, and LastSeen lags by a tenth at most.
func TestLifetime_times(t *testing.T) {
	clock(t, func(t *testing.T, m *gimlet.Manager, b *browser) {
		began := time.Now()
		last := began
		b.site.do("/times", func(s *gimlet.Session) {
			require.WithinDuration(t, began, s.Created(), time.Millisecond)
			require.WithinDuration(t, last, s.LastSeen(), 6*time.Minute)
			require.WithinDuration(t, last.Add(time.Hour), s.Expires(), 6*time.Minute)
		})
		for range 30 {
			time.Sleep(5 * time.Minute)
			b.ok("/times")
			last = time.Now()
		}
		for info, err := range m.Sessions(t.Context(), "") {
			require.NoError(t, err)
			require.WithinDuration(t, began, info.Created, time.Millisecond)
			require.WithinDuration(t, time.Now(), info.LastSeen, 6*time.Minute)
			require.True(t, info.Persistent)
		}
	}, gimlet.WithIdleTimeout(time.Hour))
}

// The sweep runs by itself and removes the records of expired sessions within
// minutes.
func TestLifetime_sweepsByItself(t *testing.T) {
	clock(t, func(t *testing.T, m *gimlet.Manager, _ *browser) {
		time.Sleep(time.Hour + 7*time.Minute)
		synctest.Wait()
		require.Equal(t, uint64(1), m.Stats().Swept)
	}, gimlet.WithIdleTimeout(time.Hour))
}

// With a schedule a session gets a new token once in a while. The old one
// works for the grace, and all who use it converge on the same new one; after
// that it is nobody.
func TestRenewal_converges(t *testing.T) {
	clock(t, func(t *testing.T, m *gimlet.Manager, b *browser) {
		time.Sleep(time.Hour)
		old := b.steal()
		first := b.ok("/read")
		require.Len(t, first.setCookie("__Host-id="), 1)
		saves := m.Stats().Saves
		tokens := map[string]bool{}
		for range 50 {
			late := old.steal()
			require.Len(t, late.ok("/read").setCookie("__Host-id="), 1)
			require.True(t, alive(late))
			tokens[tokenOf(t, m, late)] = true
		}
		tokens[tokenOf(t, m, b)] = true
		require.Len(t, tokens, 1)
		require.Equal(t, saves, m.Stats().Saves)
		time.Sleep(time.Minute)
		require.True(t, alive(b))
		require.False(t, alive(old))
	}, gimlet.WithRenewal(time.Hour, time.Minute), gimlet.WithIdleTimeout(0))
}

// Two requests for which a renewal is due at the same time agree as well.
func TestRenewal_overlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithRenewal(time.Hour, time.Minute))
		site := newLocal(t, m)
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/slow", func(s *gimlet.Session) { s.Set("slow", 1); g.wait() })
		site.do("/fast", func(s *gimlet.Session) { s.Set("fast", 1) })
		site.do("/check", func(s *gimlet.Session) { require.Equal(t, []string{"a", "fast", "slow"}, s.Keys()) })
		b := site.browser()
		b.ok("/begin")
		time.Sleep(time.Hour)
		other := b.steal()
		p := overlap(b, g, "/slow", func() { other.ok("/fast") })
		require.Equal(t, http.StatusOK, p.StatusCode)
		require.Equal(t, tokenOf(t, m, other), tokenOf(t, m, b))
		b.ok("/check")
		other.ok("/check")
	})
}

// tokenOf returns what is the same for browsers that hold the same token.
func tokenOf(t *testing.T, m *gimlet.Manager, b *browser) string {
	t.Helper()
	site := newLocal(t, m)
	var secret string
	site.do("/", func(s *gimlet.Session) { secret = gimlet.SecretOf(s) })
	same := site.browser()
	same.set(b.cookies()...)
	same.ok("/")
	return secret
}
