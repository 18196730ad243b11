package gimlet_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// movers serves a site with BindingRenew on which ?from= says where a request
// comes from.
func movers(t *testing.T, opts ...gimlet.Option) *site {
	m := newManager(t, append(opts, gimlet.WithBindingAction(gimlet.BindingRenew),
		gimlet.WithBinding(func(r *http.Request) string { return r.FormValue("from") }))...)
	site := newSite(t, m)
	site.do("/login", func(s *gimlet.Session) {
		require.NoError(t, s.Login(t.Context(), "alice"))
		require.NoError(t, s.Commit(t.Context()))
	})
	site.on("/who", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.Owner())) })
	return site
}

// BindingRenew renews under WithManualCommit too, and saves nothing else by
// that.
func TestBindingRenew_manualCommit(t *testing.T) {
	site := movers(t, gimlet.WithManualCommit(true))
	site.on("/change", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("a", 1)
		s.Set("c", 1, gimlet.ClientSide)
		s.SetPersistent(false)
		_, _ = w.Write([]byte(s.Owner()))
	})
	site.do("/check", func(s *gimlet.Session) { require.Empty(t, s.Keys()) })
	for _, path := range []string{"/who", "/change"} {
		owner := site.browser()
		owner.ok("/login?from=home")
		thief := owner.steal()
		p := thief.ok(path + "?from=away")
		require.Equal(t, "alice", p.body)
		require.Len(t, p.Cookies(), 1)
		require.NotZero(t, p.Cookies()[0].MaxAge)
		require.Empty(t, owner.ok("/who?from=home").body)
		thief.ok("/check?from=away")
		require.Equal(t, "alice", thief.ok("/who?from=away").body)
	}
}

// A cookie that has moved is no session where no response can carry its new
// token: the old one does not become good at the new place by that.
func TestBindingRenew_afterTheHeaders(t *testing.T) {
	var events eventBook
	site := movers(t, events.option())
	site.on("/stream", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.Write([]byte(s.Owner()))
	})
	owner := site.browser()
	owner.ok("/login?from=home")
	thief := owner.steal()
	events.take()
	require.Empty(t, thief.ok("/stream?from=away").body)
	got := events.take()
	require.Len(t, got, 1)
	require.Equal(t, gimlet.ReasonBinding, got[0].Reason)
	require.Equal(t, "alice", owner.ok("/stream?from=home").body)
	require.Equal(t, "alice", owner.ok("/who?from=away").body, "a response that can renew does")
	require.Empty(t, thief.ok("/who?from=away").body)
}

// hijacked is a writer whose connection can be taken over.
type hijacked struct{ *httptest.ResponseRecorder }

func (hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// The same for a connection that is taken over after the session was looked at.
func TestBindingRenew_hijack(t *testing.T) {
	site := movers(t)
	before, after := "", ""
	site.on("/socket", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		before = s.Owner()
		_, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		after = s.Owner()
	})
	owner := site.browser()
	owner.ok("/login?from=home")
	for from, want := range map[string]string{"home": "alice", "away": ""} {
		r := httptest.NewRequest(http.MethodGet, "https://example.test/socket?from="+from, nil)
		for _, c := range owner.cookies() {
			r.AddCookie(c)
		}
		site.handler.ServeHTTP(hijacked{httptest.NewRecorder()}, r)
		require.Equal(t, "alice", before)
		require.Equal(t, want, after, from)
	}
	require.Equal(t, "alice", owner.ok("/who?from=home").body)
}

// Of the requests with which a browser that has moved asks for the parts of a
// page the first one renews. Those that have only read are answered, and
// neither write over the new cookie; one that has changed something is told.
func TestBindingRenew_partsOfAPage(t *testing.T) {
	slows := map[string]struct {
		change func(s *gimlet.Session)
		want   int
	}{
		"reads":              {func(*gimlet.Session) {}, http.StatusOK},
		"sets":               {func(s *gimlet.Session) { s.Set("a", 1) }, http.StatusConflict},
		"sets an equal one":  {func(s *gimlet.Session) { s.Set("n", 1) }, http.StatusOK},
		"commits, then sets": {func(s *gimlet.Session) { _ = s.Commit(t.Context()); s.Set("a", 1) }, http.StatusConflict},
	}
	for name, slow := range slows {
		t.Run(name, func(t *testing.T) {
			site := movers(t)
			g := newGate()
			site.do("/set", func(s *gimlet.Session) { s.Set("n", 1) })
			site.do("/slow", func(s *gimlet.Session) {
				require.Equal(t, "alice", s.Owner())
				g.wait()
				slow.change(s)
			})
			owner := site.browser()
			owner.ok("/login?from=home")
			owner.ok("/set?from=home")
			p := overlap(owner, g, "/slow?from=away", func() { owner.ok("/who?from=away") })
			require.Equal(t, slow.want, p.StatusCode)
			require.Empty(t, p.Header["Set-Cookie"])
			require.Equal(t, "alice", owner.ok("/who?from=away").body)
		})
	}
}

// BindingEnd ends nothing for a cookie that is not good any more, wherever it
// comes from.
func TestBindingEnd_theRecordDecides(t *testing.T) {
	m := newManager(t, gimlet.WithBindingAction(gimlet.BindingEnd),
		gimlet.WithBinding(func(r *http.Request) string { return r.FormValue("from") }))
	site := newSite(t, m)
	site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
	site.on("/who", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.Owner())) })
	owner := site.browser()
	owner.ok("/login?from=home")
	old := owner.steal()
	owner.ok("/login?from=home")
	require.Empty(t, old.ok("/who?from=away").body)
	require.Equal(t, "alice", owner.ok("/who?from=home").body)
	require.Empty(t, owner.steal().ok("/who?from=away").body)
	require.Empty(t, owner.ok("/who?from=home").body)
}
