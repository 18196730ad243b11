package gimlet_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/internal/webtest"
	"github.com/gimlet-go/gimlet/store/memory"
)

// newManager opens a manager on a store in memory.
func newManager(t testing.TB, opts ...gimlet.Option) *gimlet.Manager {
	t.Helper()
	m, err := gimlet.New(memory.New(), overheard(t, opts)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		examine(t, m)
		require.NoError(t, m.Close())
	})
	return m
}

// A site is a web site whose handlers are set by path.
type site struct {
	t       testing.TB
	mux     *http.ServeMux
	handler http.Handler
	URL     string
	client  *http.Client
}

// newSite serves m over TLS on a real connection. Handlers are added with on.
func newSite(t testing.TB, m *gimlet.Manager) *site {
	t.Helper()
	s := &site{t: t, mux: http.NewServeMux()}
	s.handler = collect(m.Handler(s.mux))
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ErrorLog = serverLog
	server.StartTLS()
	t.Cleanup(server.Close)
	s.URL, s.client = server.URL, server.Client()
	return s
}

// newLocal is newSite without a connection, for tests in a bubble of
// testing/synctest, in which a network does not work.
func newLocal(t testing.TB, m *gimlet.Manager) *site {
	s := &site{t: t, mux: http.NewServeMux(), URL: "https://example.test"}
	s.handler = collect(m.Handler(s.mux))
	s.client = &http.Client{Transport: local{s}}
	return s
}

type local struct{ site *site }

// RoundTrip calls the handler in this goroutine.
func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header = r.Header.Clone()
	w := httptest.NewRecorder()
	l.site.handler.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// on adds a handler that gets the session.
func (s *site) on(path string, f func(s *gimlet.Session, w http.ResponseWriter, r *http.Request)) *site {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { f(gimlet.From(r), w, r) })
	return s
}

// do adds a handler that only works on the session.
func (s *site) do(path string, f func(s *gimlet.Session)) *site {
	return s.on(path, func(s *gimlet.Session, _ http.ResponseWriter, _ *http.Request) { f(s) })
}

// A browser has a cookie jar of its own.
type browser struct {
	t      testing.TB
	site   *site
	client *http.Client

	mu         sync.Mutex
	persistent map[string]bool
}

// browser returns a browser whose jar refuses what browsers refuse. When the test
// ends it must not have had to.
func (s *site) browser() *browser {
	s.t.Helper()
	b, jar := s.strictBrowser()
	s.t.Cleanup(func() { require.Empty(s.t, jar.Refused()) })
	return b
}

// strictBrowser returns a browser and its jar, for tests of what that refuses.
func (s *site) strictBrowser() (*browser, *webtest.Jar) {
	jar := &webtest.Jar{}
	client := *s.client
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t: s.t, site: s, client: &client, persistent: make(map[string]bool)}, jar
}

// A page is a response that was read to its end.
type page struct {
	*http.Response
	body string
}

func (b *browser) get(path string) page {
	b.t.Helper()
	resp, err := b.client.Get(b.site.URL + path)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	b.note(resp)
	p := page{resp, string(body)}
	collectPage(b.t, p)
	return p
}

// ok is get for a page that must come back with status 200.
func (b *browser) ok(path string) page {
	b.t.Helper()
	p := b.get(path)
	require.Equal(b.t, http.StatusOK, p.StatusCode, p.body)
	return p
}

// cookies are the ones that the browser would send.
func (b *browser) cookies() []*http.Cookie {
	u, err := url.Parse(b.site.URL)
	require.NoError(b.t, err)
	return b.client.Jar.Cookies(u)
}

// steal returns another browser with copies of this one's cookies.
func (b *browser) steal() *browser {
	thief := b.site.browser()
	thief.set(b.cookies()...)
	return thief
}

// setCookie returns the Set-Cookie lines whose name begins with prefix.
func (p page) setCookie(prefix string) []string {
	var lines []string
	for _, line := range p.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, line)
		}
	}
	return lines
}

// restart closes the browser and opens it again: cookies without an expiry are
// gone.
func (b *browser) restart() {
	b.t.Helper()
	u, err := url.Parse(b.site.URL)
	require.NoError(b.t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, persistent := range b.persistent {
		if !persistent {
			b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1, Secure: true}})
		}
	}
}

// take copies one cookie of another browser.
func (b *browser) take(from *browser, name string) {
	for _, c := range from.cookies() {
		if c.Name == name {
			b.set(c)
		}
	}
}

// set gives the browser cookies.
func (b *browser) set(cookies ...*http.Cookie) {
	b.t.Helper()
	u, err := url.Parse(b.site.URL)
	require.NoError(b.t, err)
	for _, c := range cookies {
		c := *c
		c.Path, c.Secure, c.HttpOnly = "/", c.Domain == "" && u.Scheme == "https", true
		b.client.Jar.SetCookies(u, []*http.Cookie{&c})
	}
}

// note remembers which cookies outlive the browser's closing.
func (b *browser) note(resp *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range resp.Cookies() {
		b.persistent[c.Name] = c.MaxAge != 0 || !c.Expires.IsZero()
	}
}
