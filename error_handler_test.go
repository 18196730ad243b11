package gimlet_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// WithErrorHandler answers instead: it gets the error, the request as the
// handler had it, and a response in which nothing of the handler's is left.
func TestErrorHandler_custom(t *testing.T) {
	s := newBreakable()
	var got error
	handler := func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		require.Equal(t, "/page", r.Pattern)
		require.ErrorIs(t, gimlet.From(r).Err(), errDisk)
		gimlet.From(r).Set("n", 3)
		require.NotContains(t, w.Header(), "X-Secret")
		w.Header().Set("X-Sorry", "yes")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "later, please")
	}
	site := newSiteInside(t, newManagerOn(t, s, gimlet.WithErrorHandler(handler)), false, outside)
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/page", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 2)
		secretPage(w)
	})
	b := site.browser()
	b.ok("/begin")
	s.saves.set(errDisk)
	p := b.get("/page")
	require.ErrorIs(t, got, errDisk)
	require.Equal(t, http.StatusBadGateway, p.StatusCode)
	require.Equal(t, "later, please", p.body)
	require.Equal(t, "yes", p.Header.Get("X-Sorry"))
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"), "unless it says otherwise")
	require.Equal(t, []string{"outer=1"}, p.Header["Set-Cookie"])
	require.NotContains(t, p.Header, "X-Secret")
}

// Leaving the handler out means the default.
func TestErrorHandler_nil(t *testing.T) {
	s := newBreakable()
	site := newSiteInside(t, newManagerOn(t, s, gimlet.WithErrorHandler(nil)), false, outside)
	site.do("/", func(s *gimlet.Session) { s.Set("n", 1) })
	s.saves.set(errDisk)
	requireReplaced(t, site.browser().get("/"), http.StatusServiceUnavailable)
}

// What the middleware around says of the encoding of the body is true for the
// error page, too.
func TestErrorHandler_encodingOfMiddlewareStays(t *testing.T) {
	s := newBreakable()
	sorry := gimlet.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, _ error) { _, _ = io.WriteString(w, "sorry") })
	site := newSiteInside(t, newManagerOn(t, s, sorry), false, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "identity")
			w.Header().Set("Cache-Control", "public, max-age=3600")
			w.Header().Set("Etag", `"of the page"`)
			w.Header().Set("Content-Length", "4")
			for _, name := range []string{"X-1", "X-2", "X-3", "X-4", "X-5", "X-6", "X-7", "X-8", "X-9", "X-10"} {
				w.Header().Set(name, "kept")
			}
			next.ServeHTTP(w, r)
		})
	})
	site.on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 1)
		w.Header().Set("X-10", "secret")
	})
	s.saves.set(errDisk)
	p := site.browser().get("/")
	require.Equal(t, "identity", p.Header.Get("Content-Encoding"))
	require.Equal(t, []string{"no-store"}, p.Header["Cache-Control"])
	require.NotContains(t, p.Header, "Etag", "it is not of the error page")
	require.Equal(t, "sorry", p.body)
	for _, name := range []string{"X-1", "X-2", "X-3", "X-4", "X-5", "X-6", "X-7", "X-8", "X-9", "X-10"} {
		require.Equal(t, "kept", p.Header.Get(name))
	}
}
