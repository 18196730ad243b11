package gimlet_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A sharedCache is a caching proxy in front of a handler. It stores whatever
// RFC 9111 allows a shared cache to store, is eager where that leaves a choice
// (an answer that says nothing of its age is kept), and never revalidates.
type sharedCache struct {
	origin  http.Handler
	cookies bool // keep answers that set cookies, cookies included (RFC 9111 section 7.3)

	mu   sync.Mutex
	kept map[string][]keptAnswer // by URL
}

// A keptAnswer is a stored response and the request that it answered.
type keptAnswer struct {
	request  http.Header
	response *httptest.ResponseRecorder
}

// A directives map holds those of Cache-Control, in small letters.
type directives map[string]string

func directivesOf(h http.Header) directives {
	d := make(directives)
	for _, line := range h["Cache-Control"] {
		for text := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(strings.ToLower(text)), "=")
			d[name] = strings.Trim(value, `"`)
		}
	}
	return d
}

func (d directives) has(name string) bool { _, ok := d[name]; return ok }

// fresh reports whether an answer may be served without asking again.
func (d directives) fresh() bool {
	if d.has("no-cache") {
		return false
	}
	for _, name := range []string{"s-maxage", "max-age"} {
		if d.has(name) {
			seconds, err := strconv.Atoi(d[name])
			return err == nil && seconds > 0
		}
	}
	return true // by heuristics
}

// storable reports whether RFC 9111 section 3 lets a shared cache store it.
func (c *sharedCache) storable(r *http.Request, resp *httptest.ResponseRecorder) bool {
	d := directivesOf(resp.Header())
	switch {
	case r.Method != http.MethodGet, resp.Code != http.StatusOK && !d.has("public") && !d.has("max-age"):
		return false
	case d.has("no-store"), d.has("private") && d["private"] == "", directivesOf(r.Header).has("no-store"):
		return false
	case r.Header.Get("Authorization") != "" && !d.has("public") && !d.has("s-maxage"):
		return false
	}
	return c.cookies || len(resp.Header()["Set-Cookie"]) == 0
}

// answers reports whether the stored response was chosen by the same request
// fields as r has (RFC 9111 section 4.1).
func (k keptAnswer) answers(r *http.Request) bool {
	for _, line := range k.response.Header()["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			if name == "*" || strings.Join(k.request.Values(name), ",") != strings.Join(r.Header.Values(name), ",") {
				return false
			}
		}
	}
	return directivesOf(k.response.Header()).fresh()
}

func (c *sharedCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kept[r.URL.String()] {
		if k.answers(r) {
			relay(w, k.response, "hit")
			return
		}
	}
	resp := httptest.NewRecorder()
	c.origin.ServeHTTP(resp, r)
	if c.storable(r, resp) {
		c.kept[r.URL.String()] = append(c.kept[r.URL.String()], keptAnswer{r.Header.Clone(), resp})
	}
	relay(w, resp, "miss")
}

func relay(w http.ResponseWriter, resp *httptest.ResponseRecorder, how string) {
	for name, values := range resp.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("X-Cache", how)
	w.WriteHeader(resp.Code)
	_, _ = w.Write(resp.Body.Bytes())
}

// behindProxy puts a caching proxy in front of a site.
func (s *site) behindProxy(cookies bool) *site {
	s.handler = &sharedCache{origin: s.handler, cookies: cookies, kept: make(map[string][]keptAnswer)}
	return s
}

// policies are what a program may say of caching: nothing, and the most
// careless things.
var policies = []string{"", "public", "public, max-age=3600", "s-maxage=3600", "max-age=3600, stale-while-revalidate=60",
	"public, immutable, max-age=3600", `private="X-User", public, max-age=3600`}

// everyProxy runs f on a site behind a proxy, for every policy and for proxies
// that keep cookies and that do not.
func everyProxy(t *testing.T, f func(t *testing.T, site *site, careless func(w http.ResponseWriter)), opts ...gimlet.Option) {
	for _, cookies := range []bool{false, true} {
		for _, policy := range policies {
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
// cookie of one user to another, nor a page that was made from a session.
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

// The same proxy leaks the cookie and the page of a handler without the
// library, so that the tests above can fail.
func TestProxy_servesNobodyElsesSession_Control(t *testing.T) {
	for _, policy := range policies {
		t.Run(policy, func(t *testing.T) {
			visitors := 0
			site := newLocal(t, newManager(t))
			site.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if policy != "" {
					w.Header().Set("Cache-Control", policy)
				}
				if r.URL.Path == "/begin" {
					visitors++
					http.SetCookie(w, &http.Cookie{Name: "who", Value: fmt.Sprint("visitor-", visitors), Path: "/"})
					return
				}
				c, err := r.Cookie("who")
				require.NoError(t, err)
				_, _ = io.WriteString(w, c.Value)
			})
			site.behindProxy(true)
			ann, bob, eve := site.browser(), site.browser(), site.browser()
			ann.ok("/begin")
			bob.ok("/begin")
			eve.set(&http.Cookie{Name: "who", Value: "eve", Path: "/"})
			page := ann.ok("/page").body
			require.Equal(t, ann.cookies()[0].Value, bob.cookies()[0].Value, "the cookie leaks")
			require.Equal(t, page, eve.ok("/page").body, "the page leaks")
		})
	}
}
