package gimlet_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/internal/webtest"
)

// behindProxy puts a caching proxy in front of a site.
func (s *site) behindProxy(cookies bool) *site {
	s.handler = webtest.NewCache(s.handler, cookies)
	return s
}

// everyProxy runs f on a site behind a proxy, for every careless policy and for
// proxies that keep cookies and that do not.
func everyProxy(t *testing.T, f func(t *testing.T, site *site, careless func(w http.ResponseWriter)), opts ...gimlet.Option) {
	for _, cookies := range []bool{false, true} {
		for _, policy := range webtest.Policies() {
			t.Run(fmt.Sprintf("cookies=%t/%s", cookies, policy), func(t *testing.T) {
				f(t, newLocal(t, newManager(t, opts...)).behindProxy(cookies), func(w http.ResponseWriter) {
					if policy != "" {
						w.Header().Set("Cache-Control", policy)
					}
				})
			})
		}
	}
}

// However carelessly a program allows caching, a shared cache never hands the
// cookie of one user to another, nor a page that was made from a session. The
// same cache leaks both without the library: see TestCache_leaks of webtest.
func TestProxy_servesNobodyElsesSession(t *testing.T) {
	for name, opts := range everyPlace {
		t.Run(name, func(t *testing.T) { everyProxy(t, servesNobodyElse, opts...) })
	}
}

func servesNobodyElse(t *testing.T, site *site, careless func(w http.ResponseWriter)) {
	page := func(work func(s *gimlet.Session, r *http.Request) string) func(*gimlet.Session, http.ResponseWriter, *http.Request) {
		return func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
			careless(w)
			_, _ = io.WriteString(w, work(s, r))
		}
	}
	visitors := 0
	site.on("/begin", page(func(s *gimlet.Session, _ *http.Request) string {
		visitors++
		s.Set("server", fmt.Sprint("visitor ", visitors))
		s.Set("client", fmt.Sprint("visitor ", visitors), gimlet.ClientSide)
		s.Set("run", visitors, gimlet.ClientSide|gimlet.Transient)
		return s.ID().String()
	}))
	site.on("/server", page(func(s *gimlet.Session, _ *http.Request) string { return fmt.Sprint(s.Get("server")) }))
	site.on("/client", page(func(s *gimlet.Session, _ *http.Request) string { return fmt.Sprint(s.Get("client")) }))
	site.on("/id", page(func(s *gimlet.Session, _ *http.Request) string { return s.ID().String() }))
	site.on("/has", page(func(s *gimlet.Session, _ *http.Request) string { return fmt.Sprint(s.Has("server")) }))
	site.on("/form", page(func(s *gimlet.Session, _ *http.Request) string { return s.CSRFToken() }))
	site.on("/login", page(func(s *gimlet.Session, _ *http.Request) string {
		visitors++
		require.NoError(t, s.Login(t.Context(), fmt.Sprint("user ", visitors)))
		return s.Owner()
	}))
	site.on("/fail", page(func(s *gimlet.Session, _ *http.Request) string { s.Set("", s.Get("server")); return "never" }))

	ann, bob, nobody := site.browser(), site.browser(), site.browser()
	require.NotEqual(t, ann.ok("/begin").body, bob.ok("/begin").body, "each begins a session of his own")
	for _, path := range []string{"/server", "/client", "/id", "/form"} {
		a := ann.ok(path).body
		require.Equal(t, a, ann.ok(path).body, path)
		require.NotEqual(t, a, bob.ok(path).body, path)
		require.NotEqual(t, a, site.browser().ok(path).body, path)
	}
	ann.ok("/has")
	require.Equal(t, "false", nobody.ok("/has").body)
	require.Equal(t, "true", bob.ok("/has").body)
	require.NotEqual(t, ann.ok("/login").body, bob.ok("/login").body)
	require.Equal(t, http.StatusInternalServerError, ann.get("/fail").StatusCode)
	require.Equal(t, "miss", bob.get("/fail").Header.Get("X-Cache"), "an error is nobody else's")

	seen := make(map[string]bool)
	for _, b := range []*browser{ann, bob, nobody} {
		for _, c := range b.cookies() {
			require.False(t, seen[c.Value], "a cookie in two browsers")
			seen[c.Value] = true
		}
	}
	require.NotEmpty(t, seen)
}

// A page that leaves the session alone is shared by all users as the program
// allows it, and one without a session by all who send no cookie: the library
// costs caches nothing.
func TestProxy_sharesTheRest(t *testing.T) {
	site := newLocal(t, newManager(t)).behindProxy(true).begins()
	pages := 0
	site.on("/static", func(_ *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		pages++
		w.Header().Set("Cache-Control", "public, max-age=3600")
	})
	site.on("/greeting", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		fmt.Fprint(w, s.Get("n"))
	})
	ann, bob := site.browser(), site.browser()
	ann.ok("/set")
	ann.ok("/static")
	require.Equal(t, "hit", bob.ok("/static").Header.Get("X-Cache"))
	require.Equal(t, 1, pages)
	require.Equal(t, "miss", site.browser().ok("/greeting").Header.Get("X-Cache"))
	require.Equal(t, "hit", bob.ok("/greeting").Header.Get("X-Cache"))
	require.Equal(t, "miss", ann.ok("/greeting").Header.Get("X-Cache"))
	require.Equal(t, "hit", ann.ok("/greeting").Header.Get("X-Cache"))
}
