package webtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/webtest"
)

// counting answers with the number of the answer, after the header fields
// ("Name: value") of its lines.
func counting(status int, lines ...string) http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, n)
	})
}

func get(h http.Handler, fields ...string) *httptest.ResponseRecorder {
	return request(h, http.MethodGet, fields...)
}

func request(h http.Handler, method string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://a.test/page", nil)
	for _, line := range fields {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The cache keeps whatever it may.
func TestCache_keeps(t *testing.T) {
	tests := map[string]struct {
		status  int
		lines   []string
		request []string
	}{
		"nothing said":              {200, nil, nil},
		"not found":                 {404, nil, nil},
		"an error, for a while":     {500, []string{"Cache-Control: max-age=9"}, nil},
		"a redirect, publicly":      {303, []string{"Cache-Control: public"}, nil},
		"a date":                    {200, []string{"Expires: Fri, 31 Dec 9999 23:59:59 GMT"}, nil},
		"not for long here":         {200, []string{"Cache-Control: max-age=0", "Cache-Control: s-maxage=9"}, nil},
		"private fields":            {200, []string{`Cache-Control: private="X-User, X-Mail", Max-Age=9`}, nil},
		"overridden":                {200, []string{"Cache-Control: no-store, must-understand"}, nil},
		"varies by nothing here":    {200, []string{"Vary: Accept, Cookie"}, nil},
		"credentials, publicly":     {200, []string{"Cache-Control: public"}, []string{"Authorization: x"}},
		"the client does not want":  {200, nil, []string{"Cache-Control: no-cache, max-age=0"}},
		"a list in a private field": {200, []string{`Cache-Control: private="a,no-store,b"`}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cache := webtest.NewCache(counting(test.status, test.lines...), false)
			w := get(cache, test.request...)
			require.Equal(t, "miss", w.Header().Get("X-Cache"))
			require.Equal(t, test.status, w.Code)
			w = get(cache, test.request...)
			require.Equal(t, "hit", w.Header().Get("X-Cache"))
			require.Equal(t, test.status, w.Code)
			require.Equal(t, "1", w.Body.String())
			require.Equal(t, "hit", request(cache, http.MethodHead, test.request...).Header().Get("X-Cache"))
		})
	}
}

// The cache keeps nothing that it may not.
func TestCache_keepsNot(t *testing.T) {
	tests := map[string]struct {
		status  int
		lines   []string
		request []string
	}{
		"no-store":             {200, []string{"Cache-Control: public, max-age=9", "Cache-Control: NO-STORE"}, nil},
		"private":              {200, []string{"Cache-Control: max-age=9,private"}, nil},
		"no-cache":             {200, []string{"Cache-Control: no-cache"}, nil},
		"stale":                {200, []string{"Cache-Control: max-age=0"}, nil},
		"stale here":           {200, []string{"Cache-Control: max-age=9, s-maxage=0"}, nil},
		"unclear":              {200, []string{"Cache-Control: max-age=soon"}, nil},
		"a date that is over":  {200, []string{"Expires: Thu, 01 Jan 1970 00:00:01 GMT"}, nil},
		"no date":              {200, []string{"Expires: 0"}, nil},
		"a redirect":           {303, nil, nil},
		"an error":             {500, nil, nil},
		"a part":               {206, []string{"Cache-Control: public"}, nil},
		"not modified":         {304, []string{"Cache-Control: public"}, nil},
		"a cookie":             {200, []string{"Set-Cookie: id=x"}, nil},
		"varies by everything": {200, []string{"Vary: *"}, nil},
		"credentials":          {200, []string{"Cache-Control: max-age=9"}, []string{"Authorization: x"}},
		"the client forbids":   {200, nil, []string{"Cache-Control: no-store"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cache := webtest.NewCache(counting(test.status, test.lines...), false)
			get(cache, test.request...)
			require.Equal(t, "miss", get(cache, test.request...).Header().Get("X-Cache"))
		})
	}
}

func TestCache_varies(t *testing.T) {
	cache := webtest.NewCache(counting(200, "Vary: accept, COOKIE"), true)
	require.Equal(t, "1", get(cache, "Cookie: a=1").Body.String())
	require.Equal(t, "2", get(cache, "Cookie: a=2").Body.String())
	require.Equal(t, "3", get(cache).Body.String())
	require.Equal(t, "4", get(cache, "Cookie: a=1", "Accept: x").Body.String())
	require.Equal(t, "1", get(cache, "Cookie: a=1").Body.String())
	require.Equal(t, "3", get(cache, "User-Agent: x").Body.String())
}

// Requests that change something reach the origin, and what is kept of their
// page is gone.
func TestCache_unsafeMethods(t *testing.T) {
	cache := webtest.NewCache(counting(200, "Cache-Control: public, max-age=9"), true)
	get(cache)
	require.Equal(t, "2", request(cache, http.MethodPost).Body.String())
	require.Equal(t, "3", request(cache, http.MethodPost).Body.String())
	require.Equal(t, "4", get(cache).Body.String())
	require.Equal(t, "4", get(cache).Body.String())
}

func TestCache_cookies(t *testing.T) {
	const cookie = "Set-Cookie: id=x"
	cache := webtest.NewCache(counting(200, cookie), true)
	get(cache)
	require.Equal(t, "id=x", get(cache).Header().Get("Set-Cookie"))

	cache = webtest.NewCache(counting(200, cookie, `Cache-Control: no-cache="Set-Cookie", private="X-User"`, "X-User: x"), true)
	require.Equal(t, "id=x", get(cache).Header().Get("Set-Cookie"))
	kept := get(cache).Header()
	require.Equal(t, "hit", kept.Get("X-Cache"))
	require.Empty(t, kept["Set-Cookie"])
	require.Empty(t, kept["X-User"])
}

func TestCache_ages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := webtest.NewCache(counting(200, "Cache-Control: max-age=60"), true)
		silent := webtest.NewCache(counting(200), true)
		get(short)
		get(silent)
		time.Sleep(time.Minute - 1)
		require.Equal(t, "1", get(short).Body.String())
		time.Sleep(time.Nanosecond)
		require.Equal(t, "2", get(short).Body.String())
		require.Equal(t, "2", get(short).Body.String())
		require.Equal(t, "1", get(silent).Body.String())
	})
}

// The cache leaks the cookie and the page of a careless program, whatever it
// says of caching, so that the tests that use it can fail.
func TestCache_leaks(t *testing.T) {
	for _, policy := range webtest.Policies() {
		t.Run(policy, func(t *testing.T) {
			visitors := 0
			pages := http.NewServeMux()
			pages.HandleFunc("/begin", func(w http.ResponseWriter, _ *http.Request) {
				visitors++
				http.SetCookie(w, &http.Cookie{Name: "who", Value: fmt.Sprint(visitors), Path: "/"})
			})
			pages.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
				_, _ = fmt.Fprint(w, r.Header.Get("Cookie"))
			})
			cache := webtest.NewCache(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if policy != "" {
					w.Header().Set("Cache-Control", policy)
				}
				pages.ServeHTTP(w, r)
			}), true)
			visit := func(jar *webtest.Jar, path string) string {
				u := at(t, "https://a.test"+path)
				r := httptest.NewRequest(http.MethodGet, u.String(), nil)
				for _, c := range jar.Cookies(u) {
					r.AddCookie(c)
				}
				w := httptest.NewRecorder()
				cache.ServeHTTP(w, r)
				jar.SetCookies(u, w.Result().Cookies())
				return w.Body.String()
			}
			ann, bob, eve := &webtest.Jar{}, &webtest.Jar{}, &webtest.Jar{}
			visit(ann, "/begin")
			visit(bob, "/begin")
			require.Equal(t, "who=1", sent(t, bob, "https://a.test/"), "the cookie leaks")
			set(t, eve, "https://a.test/", "who=eve; Path=/")
			require.Equal(t, "who=1", visit(ann, "/page"))
			require.Equal(t, "who=1", visit(eve, "/page"), "the page leaks")
		})
	}
}
