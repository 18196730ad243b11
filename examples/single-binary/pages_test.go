package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

func TestPages_everyTheme(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.post("/login", "name", "Ada")
	b.post("/cart/add", "item", "brace")
	for _, name := range themes {
		b.post("/theme", "theme", name, "page", "/devices")
		require.Equal(t, name, b.session().Theme)
		for path, status := range map[string]int{"/": http.StatusOK, "/devices": http.StatusOK, "/nowhere": http.StatusNotFound} {
			p := b.get(path)
			require.Equal(t, status, p.StatusCode, path)
			require.Contains(t, p.body, fmt.Sprintf(`<html lang="en" data-theme=%q>`, name), path)
			require.Contains(t, p.body, "</html>", path)
			require.Equal(t, "text/html; charset=utf-8", p.Header.Get("Content-Type"), path)
		}
	}
	b.post("/theme", "theme", "plaid")
	require.Equal(t, themes[len(themes)-1], b.session().Theme, "an unknown theme changes nothing")
}

func TestPages_securityHeaders(t *testing.T) {
	b := newShop(t).browser(firefox)
	for _, path := range []string{"/", "/devices", "/nowhere", "/api/session", "/static/style.css"} {
		h := b.get(path).Header
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
	}
	for _, path := range []string{"/", "/api/session"} {
		require.Equal(t, "no-store", b.get(path).Header.Get("Cache-Control"), path)
	}
}

func TestPages_staticFiles(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.post("/count")
	address, err := stylesheet()
	require.NoError(t, err)
	require.Contains(t, b.get("/").body, address)
	p := b.get(address)
	require.Equal(t, "text/css; charset=utf-8", p.Header.Get("Content-Type"))
	require.Contains(t, p.Header.Get("Cache-Control"), "public")
	require.Empty(t, p.Header["Vary"], "the session was not touched")
	require.Equal(t, "image/svg+xml", b.get("/static/icon.svg").Header.Get("Content-Type"))
	require.Equal(t, http.StatusNotFound, b.get("/static/nothing.css").StatusCode)
	require.Equal(t, http.StatusNotFound, b.get("/static/").StatusCode)
	require.Equal(t, http.StatusBadRequest, b.get("/static/..%2ftemplates%2fhome.html").StatusCode)
}

func TestTheme_costsNoRead(t *testing.T) {
	shop := newShop(t)
	b := shop.browser(firefox)
	b.post("/login", "name", "Ada")
	b.post("/theme", "theme", "blueprint")
	shop.restart() // nothing is in memory now
	before := shop.sessions.Stats()
	require.Contains(t, b.get("/nowhere").body, `data-theme="blueprint"`)
	after := shop.sessions.Stats()
	require.Equal(t, before.Opened+1, after.Opened)
	require.Equal(t, before.Loads, after.Loads)
	require.Equal(t, before.Store, after.Store)
	require.Equal(t, before.Cookies, after.Cookies)

	// A page that shows the name has to read. This is what the counters say of it.
	b.get("/")
	require.Greater(t, shop.sessions.Stats().Store.Loads, after.Store.Loads)
}

func TestTheme_ofNobody(t *testing.T) {
	shop := newShop(t)
	b := shop.browser(firefox)
	before := shop.sessions.Stats()
	b.post("/theme", "theme", "dark")
	require.Equal(t, "dark", b.session().Theme)
	require.Contains(t, b.get("/").body, `data-theme="dark"`)
	after := shop.sessions.Stats()
	require.Equal(t, before.Store, after.Store, "the session lives in the cookie alone")
	require.Equal(t, before.Cookies+1, after.Cookies)

	b.post("/login", "name", "Ada")
	b.post("/logout")
	require.Equal(t, sessionInfo{Cart: []cartLine{}, Theme: "dark"}, b.session(), "the theme outlives the session")
}

func TestCost_ofThisPage(t *testing.T) {
	shop := newShop(t)
	b := shop.browser(firefox)
	shows := func(p page, reads, hits, writes, cookies int) {
		t.Helper()
		require.Contains(t, p.body, fmt.Sprintf("<dt>read from the file</dt><dd>%d</dd>", reads))
		require.Contains(t, p.body, fmt.Sprintf("<dt>read from memory</dt><dd>%d</dd>", hits))
		require.Contains(t, p.body, fmt.Sprintf("<dt>written to the file</dt><dd>%d</dd>", writes))
		require.Contains(t, p.body, fmt.Sprintf("<dt>cookies set</dt><dd>%d</dd>", cookies))
	}
	shows(b.get("/"), 0, 0, 0, 0)
	b.post("/count")
	b.get("/")
	shows(b.get("/"), 0, 1, 0, 0)
	shows(b.post("/cart/add", "item", "awl"), 0, 1, 1, 0) // the flash message is removed
	shop.restart()
	shows(b.get("/"), 1, 0, 0, 0)
	shows(b.get("/"), 0, 1, 0, 0)
}

func TestFailure_replacesPage(t *testing.T) {
	shop := newShop(t)
	b := shop.browser(firefox)
	b.post("/login", "name", "Ada")
	require.NoError(t, shop.sessions.Close())
	for _, path := range []string{"/", "/devices", "/api/session"} {
		p := b.get(path)
		require.Equal(t, http.StatusServiceUnavailable, p.StatusCode, path)
		require.Contains(t, p.body, "Back in a moment", path)
		require.NotContains(t, p.body, "Ada", path)
		require.Contains(t, p.Header.Get("Content-Security-Policy"), "default-src 'none'", path)
	}
	require.Equal(t, http.StatusServiceUnavailable, b.do(http.MethodPost, "/count", nil).StatusCode)
	require.Equal(t, http.StatusServiceUnavailable, b.do(http.MethodPost, "/logout-everywhere", nil).StatusCode)
}

func TestFailure_sessionGone(t *testing.T) {
	w := httptest.NewRecorder()
	sessionFailed(w, httptest.NewRequest(http.MethodGet, "/", nil), fmt.Errorf("save: %w", gimlet.ErrGone))
	require.Equal(t, http.StatusConflict, w.Code)
	require.Contains(t, w.Body.String(), "You were logged out")
}

func TestForm_tooLarge(t *testing.T) {
	b := newShop(t).browser(firefox)
	p := b.do(http.MethodPost, "/login", map[string][]string{"name": {string(make([]byte, maxForm))}})
	require.Equal(t, http.StatusBadRequest, p.StatusCode)
	require.Contains(t, p.body, "could not be read")
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		firefox: "Firefox on Linux",
		iPhone:  "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":         "Chrome on a Mac",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":               "Chrome on Android",
		"curl/8.14.1":        "curl",
		"Go-http-client/1.1": "A Go program",
		"":                   "A browser",
	} {
		require.Equal(t, want, browserName(agent))
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                "just now",
		-time.Second:     "just now", // clocks differ
		time.Minute:      "1 minute ago",
		59 * time.Minute: "59 minutes ago",
		time.Hour:        "1 hour ago",
		23 * time.Hour:   "23 hours ago",
		72 * time.Hour:   "3 days ago",
	} {
		require.Equal(t, want, ago(now, now.Add(-d)))
	}
	require.Equal(t, "unknown", ago(now, time.Time{}))
}
