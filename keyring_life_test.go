package gimlet_test

import (
	"encoding/base64"
	"encoding/hex"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

const days = 24 * time.Hour

// keyOf is the ID of the key that sealed the cookie of a page.
func keyOf(t testing.TB, p page) string {
	t.Helper()
	require.NotEmpty(t, p.Cookies())
	raw, err := base64.RawURLEncoding.DecodeString(p.Cookies()[0].Value[1:])
	require.NoError(t, err)
	return hex.EncodeToString(raw[1:5])
}

// run opens a manager on a store that outlives it, and closes it after f.
func run(t *testing.T, s store.Store, f func(m *gimlet.Manager, site *site), opts ...gimlet.Option) {
	t.Helper()
	m, err := gimlet.New(keep{s}, opts...)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	f(m, newLocal(t, m).begins())
}

// The keys that were made on first start are found again after a restart, so
// that everybody stays logged in.
func TestKeys_survive(t *testing.T) {
	shared := memory.New()
	line, token := "", ""
	run(t, shared, func(m *gimlet.Manager, site *site) {
		line = site.ask("/set").line()
		s := m.Begin(t.Context())
		require.NoError(t, s.Commit(t.Context()))
		var err error
		token, err = s.Token()
		require.NoError(t, err)
	})
	run(t, shared, func(m *gimlet.Manager, site *site) {
		require.Equal(t, "five", site.ask("/get", line).body)
		_, err := m.Load(t.Context(), token)
		require.NoError(t, err)
	})
	run(t, memory.New(), func(_ *gimlet.Manager, site *site) {
		require.Empty(t, site.ask("/get", line).body, "another store has other keys")
	})
}

// All processes on one store share its keys, also when they start at once.
func TestKeys_sharedByAll(t *testing.T) {
	shared := memory.New()
	managers := make([]*gimlet.Manager, 50)
	var wg sync.WaitGroup
	for i := range managers {
		wg.Go(func() {
			m, err := gimlet.New(keep{shared}, gimlet.WithCache(0))
			if err != nil {
				panic(err)
			}
			managers[i] = m
		})
	}
	wg.Wait()
	line := newLocal(t, managers[7]).begins().ask("/set").line()
	for _, m := range managers {
		require.Equal(t, "five", newLocal(t, m).begins().ask("/get", line).body)
		require.NoError(t, m.Close())
	}
}

// A cookie that an older key has sealed opens, and is sent again under the new
// one with the next response that touches the session, whether that reads,
// writes on the server or writes into the cookie. Nothing is sealed with the
// old key any more.
func TestKeys_rotationReseals(t *testing.T) {
	for _, path := range []string{"/get", "/write", "/write/client", "/read/client", "/quick"} {
		synctest.Test(t, func(t *testing.T) {
			shared := memory.New()
			life := []gimlet.Option{gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
			var line, old string
			run(t, shared, func(_ *gimlet.Manager, site *site) {
				p := site.ask("/set")
				line, old = p.line(), keyOf(t, p)
			}, life...)
			time.Sleep(29*days + time.Hour)
			run(t, shared, func(_ *gimlet.Manager, site *site) {
				require.Equal(t, old, keyOf(t, site.ask("/set")), "the next key is made, its turn has not come")
				require.Empty(t, site.ask("/get", line).Cookies())
			}, life...)
			time.Sleep(1 * days)
			run(t, shared, func(_ *gimlet.Manager, site *site) {
				site.do("/write", func(s *gimlet.Session) { s.Set("other", 6) })
				site.do("/quick", func(s *gimlet.Session) { s.Set("other", 6, gimlet.Quick) })
				site.do("/write/client", func(s *gimlet.Session) { s.Set("other", 6, gimlet.ClientSide) })
				site.do("/read/client", func(s *gimlet.Session) { s.Get("none", gimlet.ClientSide) })
				current := keyOf(t, site.ask("/set"))
				require.NotEqual(t, old, current)
				p := site.ask(path, line)
				require.Len(t, p.Cookies(), 1, path)
				require.Equal(t, current, keyOf(t, p))
				require.Equal(t, "five", site.ask("/get", p.line()).body)
				require.Empty(t, site.ask("/get", p.line()).Cookies(), "once is enough")
				require.Equal(t, "five", site.ask("/get", line).body, "the old one opens still")
			}, life...)
		})
	}
}

// The same for the cookie that ends with the browser.
func TestKeys_rotationResealsTransient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		life := []gimlet.Option{gimlet.WithCookie(gimlet.Cookie{MaxBytes: 16384}), gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
		line := ""
		run(t, shared, func(_ *gimlet.Manager, site *site) { line = site.ask("/set/client").line() }, life...)
		time.Sleep(29*days + time.Hour)
		run(t, shared, func(_ *gimlet.Manager, _ *site) {}, life...)
		time.Sleep(1 * days)
		run(t, shared, func(_ *gimlet.Manager, site *site) {
			require.Equal(t, "five", site.ask("/get", line).body)
			p := site.ask("/get", line)
			names := make(map[string]bool)
			for _, c := range p.Cookies() {
				names[c.Name] = true
			}
			require.Equal(t, map[string]bool{"__Host-id": true, "__Host-id.1": true, "__Host-id.t": true, "__Host-id.t.1": true}, names)
			require.Empty(t, site.ask("/get", p.line()).Cookies())
		}, life...)
	})
}

// A key ends 400 days after its turn, and what it sealed is no session then.
func TestKeys_retired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		life := []gimlet.Option{gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
		book := &eventBook{}
		line := ""
		run(t, shared, func(_ *gimlet.Manager, site *site) { line = site.ask("/set").line() }, life...)
		for range 16 {
			time.Sleep(30 * days)
			run(t, shared, func(*gimlet.Manager, *site) {}, life...)
		}
		run(t, shared, func(_ *gimlet.Manager, site *site) {
			require.Empty(t, site.ask("/get", line).body)
			require.Equal(t, gimlet.ReasonStaleKey, book.take()[0].Reason)
		}, append(life, book.option())...)
	})
}

// A process learns of a key that another one has made before it is used.
func TestKeys_otherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		life := []gimlet.Option{gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
		run(t, shared, func(*gimlet.Manager, *site) {}, life...)
		time.Sleep(29*days - time.Minute)
		run(t, shared, func(quiet *gimlet.Manager, quietSite *site) {
			first := keyOf(t, quietSite.ask("/set"))
			time.Sleep(2*time.Minute + time.Second) // and not when it is just looking for keys
			var line, current string
			run(t, shared, func(*gimlet.Manager, *site) {}, life...)
			time.Sleep(1 * days)
			loads := quiet.Stats().Store.Loads
			run(t, shared, func(_ *gimlet.Manager, site *site) {
				p := site.ask("/set")
				line, current = p.line(), keyOf(t, p)
			}, life...)
			require.NotEqual(t, first, current)
			require.Equal(t, "five", quietSite.ask("/get", line).body)
			require.Equal(t, current, keyOf(t, quietSite.ask("/set")))
			require.Equal(t, loads+1, quiet.Stats().Store.Loads, "the record: the ring was known ahead of need")
		}, life...)
	})
}

// Cookies that name keys which do not exist cost one load of the ring in 10
// seconds, whatever clients send.
func TestKeys_unknownKeyCostsOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		site := newLocal(t, m).begins()
		raw, err := base64.RawURLEncoding.DecodeString(site.ask("/set").Cookies()[0].Value[1:])
		require.NoError(t, err)
		flood := func() {
			for i := range 1000 {
				raw[2], raw[3], raw[4] = byte(i), byte(i>>8), raw[4]+1
				require.Empty(t, site.ask("/get", "__Host-id=1"+base64.RawURLEncoding.EncodeToString(raw)).body)
			}
		}
		before := m.Stats()
		flood()
		time.Sleep(9 * time.Second)
		flood()
		after := m.Stats()
		require.Equal(t, before.Store.Loads+1, after.Store.Loads)
		require.Equal(t, before.Rejected+2000, after.Rejected)
		require.Equal(t, before.Loads, after.Loads)
	})
}

// A process that serves sessions from cookies alone learns of other processes'
// RevokeAll, and has its keys rotated, like any other.
func TestKeys_cookieOnlyProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		opts := []gimlet.Option{gimlet.WithCookieOnly(4000), gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(0)}
		book := &eventBook{}
		run(t, shared, func(*gimlet.Manager, *site) {}, opts...)
		time.Sleep(29*days - time.Second)
		run(t, shared, func(_ *gimlet.Manager, here *site) {
			line := here.ask("/set").line()
			require.Equal(t, "five", here.ask("/get", line).body)
			book.take()
			time.Sleep(20 * time.Second)
			here.ask("/get", line)
			time.Sleep(11 * time.Second)
			require.Contains(t, book.kinds(), gimlet.EventKeyRotated)

			run(t, shared, func(other *gimlet.Manager, _ *site) { require.NoError(t, other.RevokeAll(t.Context())) }, opts...)
			here.ask("/get", line)
			time.Sleep(11 * time.Second)
			require.Empty(t, here.ask("/get", line).body)
		}, append(opts, book.option())...)
	})
}
