package gimlet_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A touched response carries Vary: Cookie exactly once, beside what is there;
// "*" says it already.
func TestCaching_vary(t *testing.T) {
	tests := map[string]struct{ before, after []string }{
		"nothing":           {nil, []string{"Cookie"}},
		"another":           {[]string{"Accept"}, []string{"Accept", "Cookie"}},
		"already":           {[]string{"Cookie"}, []string{"Cookie"}},
		"in other letters":  {[]string{"accept, COOKIE"}, []string{"accept, COOKIE"}},
		"on another line":   {[]string{"Accept", "cookie ,Origin"}, []string{"Accept", "cookie ,Origin"}},
		"everything":        {[]string{"*"}, []string{"*"}},
		"a longer name":     {[]string{"Cookie2"}, []string{"Cookie2", "Cookie"}},
		"everything beside": {[]string{"Accept, *"}, []string{"Accept, *"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			site := newLocal(t, newManager(t)).on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				w.Header()["Vary"] = test.before
				s.Get("n")
			})
			require.Equal(t, test.after, site.browser().ok("/").Header["Vary"])
		})
	}
}

// A response that sets the cookie must not be stored by shared caches: it
// carries no-store, unless the handler forbids them already.
func TestCaching_cacheControl(t *testing.T) {
	tests := map[string]struct{ before, after []string }{
		"nothing":              {nil, []string{"no-store"}},
		"no-store":             {[]string{"no-store"}, []string{"no-store"}},
		"private":              {[]string{"private, max-age=60"}, []string{"private, max-age=60"}},
		"PRIVATE":              {[]string{"max-age=60", "PRIVATE"}, []string{"max-age=60", "PRIVATE"}},
		"public":               {[]string{"public"}, []string{"no-store"}},
		"public for a while":   {[]string{"Public, max-age=60"}, []string{"max-age=60, no-store"}},
		"shared for a while":   {[]string{"s-maxage=60, max-age=5"}, []string{"max-age=5, no-store"}},
		"no-cache":             {[]string{"no-cache"}, []string{"no-cache, no-store"}},
		"two lines":            {[]string{"public", "max-age=60"}, []string{"max-age=60, no-store"}},
		"empty":                {[]string{""}, []string{"no-store"}},
		"overridden":           {[]string{"must-understand, no-store, max-age=60"}, []string{"max-age=60, no-store"}},
		"overridden publicly":  {[]string{"must-understand, public, max-age=60"}, []string{"max-age=60, no-store"}},
		"private for one name": {[]string{`private="X-User, X-Mail"`}, []string{`private="X-User, X-Mail", no-store`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			site := newLocal(t, newManager(t)).on("/set", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				w.Header()["Cache-Control"] = test.before
				s.Set("n", 1)
			})
			site.on("/get", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				w.Header()["Cache-Control"] = test.before
				s.Get("n")
			})
			b := site.browser()
			require.Equal(t, test.after, b.ok("/set").Header["Cache-Control"])
			require.Equal(t, test.before, b.ok("/get").Header["Cache-Control"], "only what sets the cookie")
		})
	}
}

// Clear-Site-Data goes out with a logout, over TLS, if the program asked for
// it; never with a new session, whose cookie it would take away.
func TestCaching_clearSiteData(t *testing.T) {
	login := func(owner string) func(s *gimlet.Session) {
		return func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), owner)) }
	}
	option := gimlet.WithClearSiteData("cache", "cookies", "storage")
	tests := map[string]struct {
		opts   []gimlet.Option
		url    string
		change func(s *gimlet.Session)
		want   string
	}{
		"logout":             {[]gimlet.Option{option}, "https://example.test/", logout, `"cache", "cookies", "storage"`},
		"without the option": {nil, "https://example.test/", logout, ""},
		"over plain http":    {[]gimlet.Option{option}, "http://localhost/", logout, ""},
		"a read":             {[]gimlet.Option{option}, "https://example.test/", func(s *gimlet.Session) { s.Get("n") }, ""},
		"untouched":          {[]gimlet.Option{option}, "https://example.test/", func(*gimlet.Session) {}, ""},
		"a new beginning":    {[]gimlet.Option{option}, "https://example.test/", func(s *gimlet.Session) { logout(s); s.Set("n", 2) }, ""},
		"another user":       {[]gimlet.Option{option}, "https://example.test/", login("bob"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, test.opts...)
			cookies := answer(m, test.url, nil, login("ann")).Cookies()
			resp := answer(m, test.url, cookies, test.change)
			require.Equal(t, test.want, resp.Header.Get("Clear-Site-Data"))
		})
	}
}

func logout(s *gimlet.Session) {
	if err := s.Destroy(context.Background()); err != nil {
		panic(err)
	}
}

// answer is the response to a request whose handler only works on the session.
func answer(m *gimlet.Manager, url string, cookies []*http.Cookie, work func(s *gimlet.Session)) *http.Response {
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { work(gimlet.From(r)) })).ServeHTTP(w, r)
	return w.Result()
}

// Fields that speak to content delivery networks alone, and override
// Cache-Control there, do not stay on a response that sets a cookie.
func TestCaching_targetedFields(t *testing.T) {
	site := newSite(t, newManager(t))
	site.on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("CDN-Cache-Control", "max-age=600")
		w.Header().Set("Surrogate-Control", "max-age=600")
		s.SetDefault("a", 1)
	})
	b := site.browser()
	first := b.ok("/").Header
	require.Empty(t, first["Cdn-Cache-Control"])
	require.Empty(t, first["Surrogate-Control"])
	require.Equal(t, []string{"max-age=600"}, b.ok("/").Header["Cdn-Cache-Control"], "no cookie, no change")
}
