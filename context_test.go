package gimlet_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// FromContext finds the session of the innermost manager, and Session that of
// its manager, however deep: managers with different cookies can be nested.
func TestContext_nestedManagers(t *testing.T) {
	users := newManager(t, gimlet.WithCookie(gimlet.Cookie{Name: "user"}))
	carts := newManager(t, gimlet.WithCookie(gimlet.Cookie{Name: "cart"}))
	site := newSiteInside(t, carts, false, users.Handler)
	site.on("/set", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.Same(t, s, carts.Session(r.Context()))
		require.Same(t, s, gimlet.FromContext(r.Context()))
		require.NotSame(t, s, users.Session(r.Context()))
		users.Session(r.Context()).Set("name", "ann")
		s.Set("items", 3)
	})
	site.on("/check", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.Equal(t, []string{"items"}, s.Keys())
		require.Equal(t, []string{"name"}, users.Session(r.Context()).Keys())
	})
	b := site.browser()
	p := b.ok("/set")
	require.Len(t, p.setCookie("__Host-user="), 1)
	require.Len(t, p.setCookie("__Host-cart="), 1)
	require.Len(t, p.Header["Set-Cookie"], 2)
	require.Equal(t, []string{"Cookie"}, p.Header["Vary"])
	require.Equal(t, []string{"no-store"}, p.Header["Cache-Control"])
	b.ok("/check")
}

// If the session of one of two nested managers fails, the page is replaced,
// and the other's session is saved or not, but nothing of the page leaves.
func TestContext_nestedManagersFail(t *testing.T) {
	for _, broken := range []string{"outer", "inner"} {
		t.Run(broken, func(t *testing.T) {
			disk := newBreakable()
			bad := newManagerOn(t, disk, gimlet.WithCookie(gimlet.Cookie{Name: "bad"}))
			good := newManager(t, gimlet.WithCookie(gimlet.Cookie{Name: "good"}))
			outer, inner := bad, good
			if broken == "inner" {
				outer, inner = good, bad
			}
			site := newSiteInside(t, inner, false, func(next http.Handler) http.Handler {
				return outside(outer.Handler(next))
			})
			site.on("/", func(_ *gimlet.Session, w http.ResponseWriter, r *http.Request) {
				bad.Session(r.Context()).Set("n", 1)
				good.Session(r.Context()).Set("n", 1)
				secretPage(w)
			})
			disk.saves.set(errDisk)
			p := site.browser().get("/")
			require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
			require.Equal(t, "Service Unavailable\n", p.body)
			require.NotContains(t, p.Header, "X-Secret")
			require.Empty(t, p.setCookie("handler="))
			require.Empty(t, p.setCookie("__Host-bad="))
			require.Equal(t, "public", p.Header.Get("X-Title"))
		})
	}
}

// A manager inside itself does nothing: there is one session, one save, one
// cookie.
func TestContext_sameManagerTwice(t *testing.T) {
	m := newManager(t)
	site := newSiteInside(t, m, false, func(next http.Handler) http.Handler {
		return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outer := gimlet.From(r)
			outer.Set("outer", 1)
			next.ServeHTTP(w, r)
			require.Equal(t, 1, outer.Get("inner"))
		}))
	})
	site.do("/", func(s *gimlet.Session) {
		require.Equal(t, 1, s.Get("outer"))
		s.Set("inner", 1)
	})
	require.Len(t, site.browser().ok("/").Header["Set-Cookie"], 1)
	require.EqualValues(t, 1, m.Stats().Saves)
}

// Without middleware there is no session to give: that is an error of the
// program, and the text says what to do.
func TestContext_panicsWithoutMiddleware(t *testing.T) {
	m := newManager(t)
	const text = "gimlet: no session in this context: wrap the handler in Manager.Handler, or use Manager.NewContext"
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	require.PanicsWithValue(t, text, func() { gimlet.FromContext(t.Context()) })
	require.PanicsWithValue(t, text, func() { gimlet.From(r) })
	const own = "gimlet: no session of this manager in this context: wrap the handler in its Handler, or use its NewContext"
	require.PanicsWithValue(t, own, func() { m.Session(t.Context()) })
	other := newManager(t)
	ctx := other.NewContext(t.Context(), other.Begin(t.Context()))
	require.PanicsWithValue(t, own, func() { m.Session(ctx) })
}

// NewContext gives a test or a job what Handler gives a request; nothing is
// saved by itself. The middleware leaves such a session alone.
func TestContext_newContext(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	ctx := m.NewContext(t.Context(), s)
	require.Same(t, s, gimlet.FromContext(ctx))
	require.Same(t, s, m.Session(ctx))
	require.Same(t, s, gimlet.FromContext(context.WithoutCancel(ctx)))
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Same(t, s, gimlet.From(r))
		gimlet.From(r).Set("n", 1)
	})).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "https://example.test/", nil))
	require.Zero(t, m.Stats().Saves)
	require.Empty(t, w.Header())
	require.NoError(t, s.Commit(t.Context()))
	require.EqualValues(t, 1, m.Stats().Saves)
}

// The context of a request stays what it was besides: values, deadline and
// end are those of the context around.
func TestContext_restOfTheContext(t *testing.T) {
	type key struct{}
	m := newManager(t)
	base, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, stop := context.WithCancel(r.Context())
		defer stop()
		require.Equal(t, "value", ctx.Value(key{}))
		require.NoError(t, ctx.Err())
		cancel(errDisk)
		<-ctx.Done()
		require.ErrorIs(t, context.Cause(ctx), errDisk)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(base, http.MethodGet, "/", nil))
}
