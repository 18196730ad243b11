package webtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Cache is a caching proxy in front of a handler. It keeps whatever RFC 9111
// allows a shared cache to keep, and is eager where that leaves a choice: an
// answer that says nothing of its age is kept for a day, must-understand
// overrides no-store, and what clients say against stored answers is not heard.
// It never revalidates.
//
// Its answers carry "X-Cache: hit" if they were kept, and "X-Cache: miss" if
// they are new. It may be used by several goroutines at once.
type Cache struct {
	origin  http.Handler
	cookies bool

	mu   sync.Mutex
	kept map[string][]answer // by URL
}

// NewCache returns an empty cache in front of origin. With keepCookies it also
// keeps answers that set cookies, and hands those on, as RFC 9111 allows in
// section 7.3; without, it is as careful as most products are by default.
func NewCache(origin http.Handler, keepCookies bool) *Cache {
	return &Cache{origin: origin, cookies: keepCookies, kept: make(map[string][]answer)}
}

// Policies returns what a program may say of caching in Cache-Control: nothing
// (the empty one), and the most careless things. The slice is the caller's.
func Policies() []string {
	return []string{
		"",
		"public",
		"public, max-age=3600",
		"s-maxage=3600",
		"max-age=3600, stale-while-revalidate=60",
		"public, immutable, max-age=3600",
		`private="X-User, X-Mail", public, max-age=3600`,
		"must-understand, no-store, max-age=3600",
	}
}

// An answer is a response, and the request that it answered.
type answer struct {
	request http.Header
	status  int
	header  http.Header
	body    []byte
	until   time.Time // may be handed on
}

// ServeHTTP answers from what was kept, or asks the origin.
func (c *Cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	url := r.Host + " " + r.URL.RequestURI()
	if safe {
		if a, ok := c.find(url, r); ok {
			a.relay(w, "hit")
			return
		}
	}
	a := ask(c.origin, r)
	c.mu.Lock()
	switch {
	case !safe && a.status < http.StatusBadRequest:
		delete(c.kept, url) // section 4.4
	case c.storable(r, a):
		c.kept[url] = append(c.kept[url], a.shared())
	}
	c.mu.Unlock()
	a.relay(w, "miss")
}

func (c *Cache) find(url string, r *http.Request) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.kept[url] {
		if a.chosenBy(r) && time.Now().Before(a.until) {
			return a, true
		}
	}
	return answer{}, false
}

func ask(origin http.Handler, r *http.Request) answer {
	request := r.Header.Clone() // before the origin can change it
	w := httptest.NewRecorder()
	origin.ServeHTTP(w, r)
	resp := w.Result()
	until := time.Now().Add(directivesOf(resp.Header).freshness(resp.Header))
	return answer{request, resp.StatusCode, resp.Header, w.Body.Bytes(), until}
}

// heuristic are the status codes that allow an answer to be kept which does
// not say for how long (RFC 9110, section 15.1), without those of ranges.
var heuristic = []int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}

// storable reports whether RFC 9111, section 3, lets a shared cache keep an
// answer.
func (c *Cache) storable(r *http.Request, a answer) bool {
	d := directivesOf(a.header)
	explicit := d.has("public") || d.has("max-age") || d.has("s-maxage") || len(a.header["Expires"]) > 0
	switch {
	case r.Method != http.MethodGet, directivesOf(r.Header).has("no-store"):
		return false
	case a.status == http.StatusPartialContent, a.status == http.StatusNotModified:
		return false
	case d.has("no-store") && !d.has("must-understand"), d.alone("private"), d.alone("no-cache"):
		return false
	case r.Header.Get("Authorization") != "" && !d.has("public") && !d.has("s-maxage") && !d.has("must-revalidate"):
		return false
	case !explicit && !slices.Contains(heuristic, a.status):
		return false
	}
	return c.cookies || len(a.header["Set-Cookie"]) == 0
}

// shared is the answer as it is kept, without what it forbids to hand on.
func (a answer) shared() answer {
	a.header = a.header.Clone()
	for _, name := range directivesOf(a.header).fieldsNotShared() {
		a.header.Del(name)
	}
	return a
}

// chosenBy reports whether the answer was chosen by the same request fields as
// r has (RFC 9111, section 4.1).
func (a answer) chosenBy(r *http.Request) bool {
	for _, line := range a.header["Vary"] {
		for _, name := range splitList(line) {
			if name == "*" || strings.Join(a.request.Values(name), ",") != strings.Join(r.Header.Values(name), ",") {
				return false
			}
		}
	}
	return true
}

func (a answer) relay(w http.ResponseWriter, how string) {
	for name, values := range a.header {
		w.Header()[name] = slices.Clone(values)
	}
	w.Header().Set("X-Cache", how)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have left
}
