package gimlet_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// outside is middleware around the manager's, which says something of its own
// before and after.
func outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Title", "public")
		h.Set("Content-Language", "en")
		h.Set("Vary", "Accept-Language")
		h.Add("Set-Cookie", "outer=1")
		next.ServeHTTP(w, r)
	})
}

// A secretPage is what must not leave when the session failed.
func secretPage(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html")
	h.Set("Content-Length", "11")
	h.Set("Etag", `"secret"`)
	h.Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
	h.Set("X-Secret", "secret")
	h.Set("X-Title", "secret")
	h.Del("Content-Language")
	h.Add("Set-Cookie", "handler=secret")
	h["x-odd"] = []string{"secret"}
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, "secret page")
	h.Set(http.TrailerPrefix+"X-Late", "secret")
}

// requireReplaced fails unless the error handler answered alone, with the
// headers of the middleware around it.
func requireReplaced(t *testing.T, p page, status int) {
	t.Helper()
	require.Equal(t, status, p.StatusCode)
	require.Equal(t, http.StatusText(status)+"\n", p.body)
	var all bytes.Buffer
	require.NoError(t, p.Header.Write(&all))
	require.NoError(t, p.Trailer.Write(&all))
	require.NotContains(t, all.String(), "secret")
	require.NotContains(t, all.String(), "__Host-id")
	require.Equal(t, "text/plain; charset=utf-8", p.Header.Get("Content-Type"))
	require.Equal(t, []string{"no-store"}, p.Header["Cache-Control"])
	require.Equal(t, []string{"outer=1"}, p.Header["Set-Cookie"])
	require.Equal(t, "DENY", p.Header.Get("X-Frame-Options"))
	require.Equal(t, "public", p.Header.Get("X-Title"))
	require.Equal(t, "en", p.Header.Get("Content-Language"))
	require.Equal(t, []string{"Accept-Language", "Cookie"}, p.Header["Vary"])
	require.NotContains(t, p.Header, "Etag")
	require.NotContains(t, p.Header, "Last-Modified")
}

// A store that fails makes the session fail: reads give nothing, Err says why,
// nothing is begun or saved, the client's cookie is not overwritten, and the
// handler's output is replaced by the error handler's, whole.
func TestError_storeFailsAtLoad(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := newBreakable()
		m := newManagerOn(t, s)
		site := newSiteInside(t, m, http2, outside)
		site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
		site.on("/page", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			require.Nil(t, s.Get("n"))
			require.Empty(t, s.Keys())
			require.Empty(t, s.Owner())
			require.ErrorIs(t, s.Err(), errDisk)
			s.Set("n", 2)
			require.ErrorIs(t, s.Login(t.Context(), "ann"), errDisk)
			require.ErrorIs(t, s.Destroy(t.Context()), errDisk)
			require.ErrorIs(t, s.Commit(t.Context()), errDisk)
			require.Nil(t, s.Get("n"))
			require.True(t, s.ID().Reserved(), "no session")
			secretPage(w)
		})
		var n any
		site.do("/check", func(s *gimlet.Session) { n = s.Get("n") })
		b := site.browser()
		b.ok("/begin")
		cookies := b.cookies()
		before := m.Stats()
		s.loads.set(errDisk)
		requireReplaced(t, b.get("/page"), http.StatusServiceUnavailable)
		require.Equal(t, before.Saves, m.Stats().Saves)
		require.Equal(t, before.Deletes, m.Stats().Deletes)
		s.loads.mend()
		require.Equal(t, cookies, b.cookies())
		b.ok("/check")
		require.Equal(t, 1, n, "the session is what it was")
	}
}

// A save that fails replaces the page as a load does, however the handler
// began to write it.
func TestError_storeFailsAtSave(t *testing.T) {
	file := strings.NewReader("secret page")
	writes := map[string]func(w http.ResponseWriter){
		"WriteHeader": secretPage,
		"Write": func(w http.ResponseWriter) {
			n, err := w.Write([]byte("secret page"))
			require.Zero(t, n)
			require.ErrorIs(t, err, errDisk)
			_, err = w.Write([]byte("secret page"))
			require.ErrorIs(t, err, errDisk)
		},
		"WriteString": func(w http.ResponseWriter) {
			_, err := io.WriteString(w, "secret page")
			require.ErrorIs(t, err, errDisk)
		},
		"ReadFrom": func(w http.ResponseWriter) {
			_, err := w.(io.ReaderFrom).ReadFrom(file)
			require.ErrorIs(t, err, errDisk)
		},
		"Flush": func(w http.ResponseWriter) {
			w.(http.Flusher).Flush()
			require.ErrorIs(t, http.NewResponseController(w).Flush(), errDisk)
			secretPage(w)
		},
		"Hijack": func(w http.ResponseWriter) {
			_, _, err := http.NewResponseController(w).Hijack()
			require.ErrorIs(t, err, errDisk)
			secretPage(w)
		},
		"return": func(w http.ResponseWriter) { w.Header().Set("X-Secret", "secret") },
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			s := newBreakable()
			site := newSiteInside(t, newManagerOn(t, s), false, outside)
			site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
			var failed *gimlet.Session
			site.on("/page", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				failed = s
				s.Set("n", 2)
				write(w)
			})
			var n any
			site.do("/check", func(s *gimlet.Session) { n = s.Get("n") })
			b := site.browser()
			b.ok("/begin")
			s.saves.set(errDisk)
			requireReplaced(t, b.get("/page"), http.StatusServiceUnavailable)
			require.ErrorIs(t, failed.Err(), errDisk)
			s.saves.mend()
			b.ok("/check")
			require.Equal(t, 1, n)
		})
	}
}

// The status says whose fault it is: 503 for the store, 409 for a session that
// ended meanwhile, 500 for the program.
func TestError_defaultStatuses(t *testing.T) {
	tests := map[string]struct {
		fail   func(m *gimlet.Manager, s *gimlet.Session)
		status int
		retry  string
	}{
		"gone": {func(m *gimlet.Manager, s *gimlet.Session) {
			s.Set("n", 2)
			require.NoError(t, m.Revoke(t.Context(), s.ID()))
		}, http.StatusConflict, ""},
		"too large": {func(_ *gimlet.Manager, s *gimlet.Session) {
			s.Set("n", strings.Repeat("x", 2<<20))
		}, http.StatusInternalServerError, ""},
		"not encodable": {func(_ *gimlet.Manager, s *gimlet.Session) {
			s.Set("n", make(chan int))
		}, http.StatusInternalServerError, ""},
		"no key": {func(_ *gimlet.Manager, s *gimlet.Session) {
			s.Set("", 1)
		}, http.StatusInternalServerError, ""},
		"two places": {func(_ *gimlet.Manager, s *gimlet.Session) {
			s.Set("n", 1, gimlet.ClientSide|gimlet.ServerSide)
		}, http.StatusInternalServerError, ""},
		"closed": {func(m *gimlet.Manager, s *gimlet.Session) {
			s.Set("n", 2)
			require.NoError(t, m.Close())
		}, http.StatusServiceUnavailable, "1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			site := newSiteInside(t, m, false, outside)
			site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
			site.on("/page", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				test.fail(m, s)
				secretPage(w)
				require.Error(t, s.Err())
			})
			b := site.browser()
			b.ok("/begin")
			p := b.get("/page")
			requireReplaced(t, p, test.status)
			require.Equal(t, test.retry, p.Header.Get("Retry-After"))
		})
	}
}

// A record that cannot be read costs its session, never the request.
func TestError_corruptRecord(t *testing.T) {
	s := newBreakable()
	site := newSiteInside(t, newManagerOn(t, s), false, alone)
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.do("/page", func(s *gimlet.Session) {
		require.Nil(t, s.Get("n"))
		require.NoError(t, s.Err())
	})
	b := site.browser()
	b.ok("/begin")
	s.loads.set(errors.Join(store.ErrCorrupt, errDisk))
	p := b.ok("/page")
	require.Empty(t, p.Header["Set-Cookie"])
}
