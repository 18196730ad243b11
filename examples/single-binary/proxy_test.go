package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/webtest"
)

// everyProxy runs a test on shops behind caching proxies: for every careless
// policy, and for proxies that keep cookies and that do not. front makes what
// stands behind the proxy.
func everyProxy(t *testing.T, front func(a *app, policy string) http.Handler, test func(*testing.T, *street)) {
	for _, cookies := range []bool{false, true} {
		for _, policy := range webtest.Policies() {
			t.Run(fmt.Sprintf("cookies=%t/%s", cookies, policy), func(t *testing.T) {
				test(t, newStreet(startShop(t, httptest.NewTLSServer, func(a *app) http.Handler {
					return webtest.NewCache(numbered(front(a, policy)), cookies)
				})))
			})
		}
	}
}

// numbered gives each answer of the shop a number, by which it is known again
// when a cache hands it out.
func numbered(next http.Handler) http.Handler {
	var n atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Number", fmt.Sprint(n.Add(1)))
		next.ServeHTTP(w, r)
	})
}

// suggest is middleware that says what caches may do, for all pages that say
// nothing of it.
func suggest(next http.Handler, policy string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", policy)
		next.ServeHTTP(w, r)
	})
}

// overrule is middleware that says what caches may do, whatever the pages say.
// It takes the fields in drop away from the answer, too.
func overrule(next http.Handler, policy string, drop ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&overruler{w, policy, drop}, r)
	})
}

type overruler struct {
	http.ResponseWriter
	policy string
	drop   []string
}

func (o *overruler) WriteHeader(status int) {
	o.overrule()
	o.ResponseWriter.WriteHeader(status)
}

func (o *overruler) Write(b []byte) (int, error) {
	o.overrule() // which is too late after WriteHeader, and harmless
	return o.ResponseWriter.Write(b)
}

func (o *overruler) overrule() {
	o.Header().Set("Cache-Control", o.policy)
	for _, name := range o.drop {
		o.Header().Del(name)
	}
}

// The shop as it is, in front of which something says that all may be cached:
// every page is fresh, and its owner's.
func TestProxy_everyPageIsFresh(t *testing.T) {
	everyProxy(t, func(a *app, policy string) http.Handler { return suggest(a.handler(), policy) }, func(t *testing.T, s *street) {
		s.fresh = true
		s.live(t)
	})
}

// A shop that has forgotten its own no-store, and allows caching instead: what
// the library says of caching is enough that nobody gets what is another's.
func TestProxy_carelessPages(t *testing.T) {
	everyProxy(t, careless, func(t *testing.T, s *street) {
		s.live(t)
		require.NotZero(t, s.again, "a proxy may show people their own pages again")
	})
}

// careless lets the proxy hear of caching only what the library says.
func careless(a *app, policy string) http.Handler { return a.protect(overrule(a.routes(), policy)) }

// A failure of the store is told to whom it hits, and to nobody later.
func TestProxy_failures(t *testing.T) {
	everyProxy(t, careless, func(t *testing.T, s *street) {
		for _, p := range s.people[:2] {
			p.act("/login", "name", p.name)
		}
		require.NoError(t, s.ada.shop.sessions.Close())
		for _, path := range []string{"/devices", "/api/session"} {
			for _, p := range []*person{s.ada, s.ada, s.bob} {
				got := p.get(path)
				require.Equal(t, http.StatusServiceUnavailable, got.StatusCode, path)
				require.Equal(t, "miss", got.Header.Get("X-Cache"), path)
			}
		}
	})
}

// Where neither the pages nor the library are heard, pages leak and the street
// sees it, so that the tests above can fail.
func TestProxy_unprotected(t *testing.T) {
	leaky := func(a *app, policy string) http.Handler { return overrule(a.handler(), policy, "Vary") }
	everyProxy(t, leaky, func(t *testing.T, s *street) {
		for _, p := range s.people[:2] {
			p.act("/login", "name", p.name)
		}
		for _, path := range personal {
			s.ada.visit(path)
			s.bob.visit(path)
			require.Contains(t, s.faults, "Bob gets what Ada got at "+path)
		}
		require.Contains(t, s.faults, "Bob sees <strong>Ada</strong> at /devices")
	})
}
