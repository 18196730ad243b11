package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/webtest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// A shop is the app behind a server, on a file.
type shop struct {
	*app
	t      *testing.T
	path   string
	start  func(http.Handler) *httptest.Server
	front  func(*app) http.Handler
	server *httptest.Server
}

// newShop opens a shop of the test's own, on plain http to this machine, as it
// is on a developer's desk.
func newShop(t *testing.T) *shop {
	t.Helper()
	return startShop(t, httptest.NewServer, (*app).handler)
}

// everyScheme runs a test on a shop on plain http, and on one over TLS.
func everyScheme(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Run("http", func(t *testing.T) { test(t, newShop(t)) })
	t.Run("https", func(t *testing.T) { test(t, startShop(t, httptest.NewTLSServer, (*app).handler)) })
}

// startShop opens a shop behind front. The test runs beside others: it mostly
// waits for the disk.
func startShop(t *testing.T, start func(http.Handler) *httptest.Server, front func(*app) http.Handler) *shop {
	t.Helper()
	t.Parallel()
	s := &shop{t: t, path: filepath.Join(t.TempDir(), "sessions.db"), start: start, front: front}
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *shop) open() {
	s.t.Helper()
	a, err := openApp(s.path)
	require.NoError(s.t, err)
	s.app = a
	s.server = s.start(s.front(a))
}

func (s *shop) close() {
	s.server.Close()
	require.NoError(s.t, s.sessions.Close())
}

// restart ends the program and starts it again on the same file.
func (s *shop) restart() {
	s.t.Helper()
	s.close()
	s.open()
}

// RoundTrip reaches the server that runs now: restart starts another.
func (s *shop) RoundTrip(r *http.Request) (*http.Response, error) {
	return s.server.Client().Transport.RoundTrip(r)
}

// A browser keeps cookies, as far as browsers do, and follows redirects.
type browser struct {
	t      *testing.T
	shop   *shop
	client *http.Client
	jar    *webtest.Jar
	agent  string
}

func (s *shop) browser(agent string) *browser {
	s.t.Helper()
	return s.browserWith(&webtest.Jar{}, agent)
}

// browserWith returns a browser with a jar, which is to refuse nothing that
// the shop sets until the test ends.
func (s *shop) browserWith(jar *webtest.Jar, agent string) *browser {
	s.t.Helper()
	s.t.Cleanup(func() { require.Empty(s.t, jar.Refused()) })
	return &browser{s.t, s, &http.Client{Jar: jar, Transport: s}, jar, agent}
}

// A page is a response that was read to its end.
type page struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, form url.Values, header ...string) page {
	b.t.Helper()
	req, err := http.NewRequest(method, b.shop.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	req.Header.Set("User-Agent", b.agent)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	return page{resp, string(body)}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form of names and values, and follows the redirect to a page.
func (b *browser) post(path string, fields ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	p := b.do(http.MethodPost, path, form)
	require.Equal(b.t, http.StatusOK, p.StatusCode)
	require.Equal(b.t, http.MethodGet, p.Request.Method, "a POST ends at a page")
	return p
}

// session asks the API.
func (b *browser) session() sessionInfo {
	b.t.Helper()
	p := b.get("/api/session")
	require.Equal(b.t, http.StatusOK, p.StatusCode)
	var info sessionInfo
	require.NoError(b.t, json.Unmarshal([]byte(p.body), &info))
	return info
}

func (b *browser) cookies() []*http.Cookie {
	b.t.Helper()
	u, err := url.Parse(b.shop.server.URL)
	require.NoError(b.t, err)
	return b.jar.Cookies(u)
}

// copy returns a browser that has got hold of the same cookies.
func (b *browser) copy() *browser {
	b.t.Helper()
	return b.shop.browserWith(b.jar.Copy(), b.agent)
}

// nobody is what the API says without a session.
var nobody = sessionInfo{Cart: []cartLine{}, Theme: "auto"}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
