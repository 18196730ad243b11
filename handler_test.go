package gimlet_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// requireNoTrace fails if a response says anything of sessions.
func requireNoTrace(t *testing.T, p page) {
	t.Helper()
	for _, name := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
		require.NotContains(t, p.Header, name)
	}
}

// A session that the handler does not touch costs no store call, no decoding,
// no cookie and no header, whatever the request brought.
func TestHandler_untouchedCostsNothing(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/page", func(_ *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "hello")
		w.(http.Flusher).Flush()
	})
	site.do("/silent", func(*gimlet.Session) {})
	returning := site.browser()
	returning.ok("/begin")
	tests := map[string]func() page{
		"no cookie":      func() page { return site.browser().get("/page") },
		"a valid cookie": func() page { return returning.get("/page") },
		"no output":      func() page { return returning.get("/silent") },
		"a forged cookie": func() page {
			r, err := http.NewRequest(http.MethodGet, site.URL+"/page", nil)
			require.NoError(t, err)
			r.Header.Set("Cookie", "__Host-id=1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
			return site.browser().do(r)
		},
	}
	for name, get := range tests {
		t.Run(name, func(t *testing.T) {
			before := m.Stats()
			requireNoTrace(t, get())
			require.Equal(t, before, m.Stats())
		})
	}
}

// do sends a request of any kind and reads the response.
func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	resp, err := b.client.Do(r)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	return page{resp, string(body)}
}

// Asking for the error, or for the text that a log shows, is not touching.
func TestHandler_errorsAndDumpsDoNotTouch(t *testing.T) {
	m := newManager(t)
	site := newLocal(t, m).do("/", func(s *gimlet.Session) {
		require.NoError(t, s.Err())
		require.NotEmpty(t, s.String())
		require.NoError(t, s.Commit(t.Context()))
	})
	before := m.Stats()
	requireNoTrace(t, site.browser().ok("/"))
	require.Equal(t, before, m.Stats())
}

// The first Set begins a session: one insert, one cookie, no load.
func TestHandler_firstSetBegins(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m).do("/", func(s *gimlet.Session) { s.Set("n", 1) })
	before := m.Stats()
	p := site.browser().ok("/")
	after := m.Stats()
	require.Len(t, p.Header["Set-Cookie"], 1)
	require.Equal(t, before.Loads, after.Loads)
	require.Equal(t, before.Store.Loads, after.Store.Loads)
	require.Equal(t, before.Saves+1, after.Saves)
	require.Equal(t, before.Store.Saves+1, after.Store.Saves)
	require.Equal(t, before.Cookies+1, after.Cookies)
}

// A request that touches its session makes at most one load, one save and one
// Set-Cookie per cookie name, whatever its handler does; the last state wins,
// and other cookies of the handler go out as they are.
func TestHandler_oneLoadOneSaveOneCookie(t *testing.T) {
	ctx := t.Context()
	tests := map[string]struct {
		work    func(s *gimlet.Session)
		n       any
		owner   string
		cookies int // of ours
		saves   uint64
	}{
		"many sets": {func(s *gimlet.Session) {
			for i := range 10 {
				s.Set("n", i)
				s.Set("other", i)
			}
		}, 9, "", 0, 1},
		"sets on both sides": {func(s *gimlet.Session) {
			s.Set("n", 2)
			s.Set("c", 1, gimlet.ClientSide)
			s.Set("c", 2, gimlet.ClientSide)
		}, 2, "", 1, 1},
		"renewals": {func(s *gimlet.Session) {
			require.NoError(t, s.Renew(ctx))
			s.Set("n", 3)
			require.NoError(t, s.Renew(ctx))
		}, 3, "", 1, 1},
		"login": {func(s *gimlet.Session) {
			s.Set("n", 4)
			require.NoError(t, s.Login(ctx, "ann"))
			require.NoError(t, s.Login(ctx, "ann"))
			require.NoError(t, s.Renew(ctx))
			s.Delete("n")
			s.Set("n", 5)
		}, 5, "ann", 1, 1},
		"logout": {func(s *gimlet.Session) {
			s.Set("n", 6)
			require.NoError(t, s.Destroy(ctx))
			require.NoError(t, s.Destroy(ctx))
		}, nil, "", 1, 0},
		"logout and a new beginning": {func(s *gimlet.Session) {
			require.NoError(t, s.Login(ctx, "ann"))
			require.NoError(t, s.Destroy(ctx))
			s.Set("n", 7)
			require.NoError(t, s.Login(ctx, "bob"))
			require.NoError(t, s.Renew(ctx))
		}, 7, "bob", 1, 1},
		"logout at last": {func(s *gimlet.Session) {
			require.NoError(t, s.Destroy(ctx))
			s.Set("n", 8)
			require.NoError(t, s.Login(ctx, "bob"))
			require.NoError(t, s.Destroy(ctx))
		}, nil, "", 1, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			var n any
			var owner string
			site := newLocal(t, m)
			site.do("/begin", func(s *gimlet.Session) { s.Set("n", 0) })
			site.on("/work", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
				test.work(s)
				http.SetCookie(w, &http.Cookie{Name: "lang", Value: "de"})
			})
			site.do("/check", func(s *gimlet.Session) { n, owner = s.Get("n"), s.Owner() })
			b := site.browser()
			b.ok("/begin")
			before := m.Stats()
			p := b.ok("/work")
			after := m.Stats()
			require.LessOrEqual(t, after.Loads-before.Loads, uint64(1))
			require.Equal(t, test.saves, after.Saves-before.Saves)
			require.Len(t, p.setCookie("__Host-id="), test.cookies, p.Header)
			require.Equal(t, []string{"theme=dark"}, p.setCookie("theme="))
			require.Equal(t, []string{"lang=de"}, p.setCookie("lang="))
			require.Len(t, p.Header["Set-Cookie"], 2+test.cookies)
			b.ok("/check")
			require.Equal(t, test.n, n)
			require.Equal(t, test.owner, owner)
		})
	}
}

// Setting what is there already is no change: nothing is written, and no
// cookie is sent.
func TestHandler_unchangedValuesWriteNothing(t *testing.T) {
	m := newManager(t)
	count := gimlet.NewKey[int]("typed")
	set := func(s *gimlet.Session) {
		s.Set("server", []string{"a", "b"})
		s.Set("client", map[string]int{"a": 1, "b": 2}, gimlet.ClientSide)
		s.Set("run", 1.5, gimlet.Transient)
		s.Set("client run", strings.Repeat("x", 10), gimlet.ClientSide|gimlet.Transient)
		count.Set(s, 3)
		s.SetLifetime(48 * 60 * 60 * 1e9)
		s.SetIdleTimeout(60 * 60 * 1e9)
		s.SetPersistent(false)
	}
	site := newLocal(t, m)
	site.do("/set", set)
	site.do("/again", func(s *gimlet.Session) {
		set(s)
		count.Update(s, func(n int) int { return n })
		s.Delete("absent")
		s.Set("there and back", 1)
		s.Delete("there and back")
		s.Set("server", "another")
		s.Set("server", []string{"a", "b"})
	})
	b := site.browser()
	b.ok("/set")
	before := m.Stats()
	p := b.ok("/again")
	after := m.Stats()
	require.Empty(t, p.Header["Set-Cookie"])
	require.Equal(t, before.Saves, after.Saves)
	require.Equal(t, before.Touches, after.Touches)
	require.Equal(t, before.Store.Saves, after.Store.Saves)
	require.Equal(t, before.Store.Touches, after.Store.Touches)
}
