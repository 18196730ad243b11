package gimlet_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A strictJar is a cookie jar that refuses what a browser refuses
// (draft-ietf-httpbis-rfc6265bis section 5.7) and net/http/cookiejar does not:
// by size, by prefix, by attributes that do not go together.
type strictJar struct {
	mu      sync.Mutex
	kept    []keptCookie
	refused []string
}

type keptCookie struct {
	*http.Cookie
	host     string // that it belongs to
	hostOnly bool
	expires  time.Time // zero: when the browser closes
}

// strictBrowser is a browser with a strict jar.
func (s *site) strictBrowser() (*browser, *strictJar) {
	b, jar := s.browser(), &strictJar{}
	b.client.Jar = jar
	return b, jar
}

// names are those of the cookies in the jar.
func (j *strictJar) names() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var names []string
	for _, c := range j.kept {
		names = append(names, c.Name)
	}
	return names
}

func (j *strictJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if why := refusal(u, c); why != "" {
			j.refused = append(j.refused, c.Name+": "+why)
			continue
		}
		k := keptCookie{Cookie: c, host: strings.TrimPrefix(c.Domain, "."), hostOnly: c.Domain == ""}
		k.host = cmp.Or(k.host, u.Hostname())
		if c.MaxAge != 0 {
			k.expires = time.Now().Add(time.Duration(c.MaxAge) * time.Second)
		} else {
			k.expires = c.Expires
		}
		j.kept = slices.DeleteFunc(j.kept, k.replaces)
		if k.alive() {
			j.kept = append(j.kept, k)
		}
	}
}

// replaces reports whether two cookies are the same one for a browser:
// partitioned ones are kept apart from the others.
func (k keptCookie) replaces(old keptCookie) bool {
	return k.Name == old.Name && k.host == old.host && k.hostOnly == old.hostOnly &&
		k.Path == old.Path && k.Partitioned == old.Partitioned
}

func (k keptCookie) alive() bool { return k.expires.IsZero() || time.Now().Before(k.expires) }

func (j *strictJar) Cookies(u *url.URL) (sent []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range j.kept {
		host := k.host == u.Hostname() || !k.hostOnly && strings.HasSuffix(u.Hostname(), "."+k.host)
		path := cmp.Or(u.Path, "/")
		under := k.Path == path || strings.HasPrefix(path, strings.TrimSuffix(k.Path, "/")+"/")
		if host && under && k.alive() && (!k.Secure || u.Scheme == "https") {
			sent = append(sent, &http.Cookie{Name: k.Name, Value: k.Value})
		}
	}
	return sent
}

// refusal says why a browser does not take a cookie, or is empty.
func refusal(u *url.URL, c *http.Cookie) string {
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	script := strings.HasPrefix(name, "__http-") || strings.HasPrefix(name, "__host-http-")
	domain := strings.TrimPrefix(c.Domain, ".")
	switch {
	case len(c.Name)+len(c.Value) > 4096:
		return "too large"
	case len(c.Raw) > 4096:
		return "too large with its attributes"
	case len(c.Path) > 1024 || len(c.Domain) > 1024:
		return "an attribute is too large"
	case c.Secure && u.Scheme != "https":
		return "Secure over plain http"
	case domain != "" && domain != u.Hostname() && !strings.HasSuffix(u.Hostname(), "."+domain):
		return "another domain"
	case (host || script || strings.HasPrefix(name, "__secure-")) && !c.Secure:
		return "the prefix demands Secure"
	case host && (c.Domain != "" || c.Path != "/"):
		return "the prefix demands Path=/ and no Domain"
	case script && !c.HttpOnly:
		return "the prefix demands HttpOnly"
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return "SameSite=None without Secure"
	case c.Partitioned && !c.Secure:
		return "Partitioned without Secure"
	}
	return ""
}

// ask calls the handler for a URL with lines of the Cookie header that were
// put together by hand.
func (s *site) ask(path string, lines ...string) page {
	s.t.Helper()
	return s.send(httptest.NewRequest(http.MethodGet, s.URL+path, nil), lines...)
}

func (s *site) send(r *http.Request, lines ...string) page {
	s.t.Helper()
	if len(lines) > 0 {
		r.Header["Cookie"] = lines
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		require.LessOrEqual(s.t, len(c.Raw), 4096)
	}
	return page{resp, w.Body.String()}
}

// line is the Cookie header that a browser would send after this page.
func (p page) line() string {
	var pairs []string
	for _, c := range p.Cookies() {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// The jar refuses what it should, so that the tests that use it can fail.
func TestStrictJar_refuses(t *testing.T) {
	tests := []struct{ url, line string }{
		{"https://a.test/", "id=" + strings.Repeat("x", 4095)},
		{"https://a.test/", "id=" + strings.Repeat("x", 4080) + "; Path=/; Secure"},
		{"https://a.test/", "id=x; Path=/" + strings.Repeat("x", 1024)},
		{"http://localhost/", "id=x; Path=/; Secure"},
		{"https://a.test/", "id=x; Path=/; Domain=b.test"},
		{"https://a.test/", "__Host-id=x; Path=/; Secure; Domain=a.test"},
		{"https://a.test/", "__hOsT-id=x; Path=/sub; Secure"},
		{"https://a.test/", "__Secure-id=x; Path=/"},
		{"https://a.test/", "__Http-id=x; Path=/; Secure"},
		{"https://a.test/", "id=x; Path=/; SameSite=None"},
		{"https://a.test/", "id=x; Path=/; Partitioned"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		require.NoError(t, err)
		c, err := http.ParseSetCookie(tt.line)
		require.NoError(t, err)
		jar := &strictJar{}
		jar.SetCookies(u, []*http.Cookie{c})
		require.Len(t, jar.refused, 1, tt.line)
		require.Empty(t, jar.Cookies(u), tt.line)
	}
}

// The jar keeps, sends and forgets cookies as a browser does.
func TestStrictJar_keeps(t *testing.T) {
	at := func(s string) *url.URL {
		u, err := url.Parse(s)
		require.NoError(t, err)
		return u
	}
	jar := &strictJar{}
	set := func(line string) {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		jar.SetCookies(at("https://www.a.test/"), []*http.Cookie{c})
	}
	set("one=1; Path=/; Domain=a.test; Secure")
	set("two=2; Path=/sub")
	require.Empty(t, jar.refused)
	require.Len(t, jar.Cookies(at("https://www.a.test/sub/page")), 2)
	require.Len(t, jar.Cookies(at("https://www.a.test/subway")), 1)
	require.Len(t, jar.Cookies(at("https://a.test/sub")), 1)
	require.Empty(t, jar.Cookies(at("http://b.test/sub")))
	require.Len(t, jar.Cookies(at("http://www.a.test/sub")), 1)
	set("one=; Path=/; Max-Age=0")
	require.Len(t, jar.names(), 2, "another cookie, for it has no Domain")
	set("one=; Path=/; Domain=a.test; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
	set("two=; Path=/sub; Max-Age=0")
	require.Empty(t, jar.names())
}
