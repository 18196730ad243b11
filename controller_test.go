package gimlet_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// http.ResponseController reaches the server's deadlines through Unwrap, and
// none of its settings is a byte of the response.
func TestController_deadlines(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		m := newManager(t)
		site := newSiteInside(t, m, http2, alone)
		site.on("/", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
			require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Hour)))
			require.NoError(t, c.EnableFullDuplex())
			s.Set("proto", r.Proto)
			require.Zero(t, m.Stats().Saves)
			require.NoError(t, c.Flush())
			require.EqualValues(t, 1, m.Stats().Saves)
		})
		require.Len(t, site.browser().ok("/").Header["Set-Cookie"], 1)
	}
}

// Push reaches a server that can push, and is not supported over HTTP/1.
func TestController_push(t *testing.T) {
	m := newManager(t)
	w := &fakeServer{m: m, header: http.Header{}}
	push := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		require.NoError(t, w.(http.Pusher).Push("/style.css", nil))
	})
	m.Handler(push).ServeHTTP(w, request(nil))
	require.Equal(t, []string{"Push /style.css after 0"}, w.calls)

	site := newSite(t, m).on("/", func(_ *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		require.ErrorIs(t, w.(http.Pusher).Push("/style.css", nil), http.ErrNotSupported)
	})
	site.browser().ok("/")
}

// Sessions work over HTTP/2, also when the client sends a header line for each
// cookie.
func TestController_http2(t *testing.T) {
	m := newManager(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 16 << 10}))
	site := newSiteInside(t, m, true, alone)
	site.do("/begin", func(s *gimlet.Session) { s.Set("big", strings.Repeat("x", 6000), gimlet.ClientSide) })
	site.on("/check", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.Equal(t, "HTTP/2.0", r.Proto)
		require.Equal(t, strings.Repeat("x", 6000), s.Get("big"))
	})
	b := site.browser()
	p := b.ok("/begin")
	require.Equal(t, 2, p.ProtoMajor)
	require.Greater(t, len(p.Header["Set-Cookie"]), 1)
	r, err := http.NewRequest(http.MethodGet, site.URL+"/check", nil)
	require.NoError(t, err)
	for _, c := range b.cookies() {
		r.Header.Add("Cookie", "theme=dark")
		r.Header.Add("Cookie", c.Name+"="+c.Value)
	}
	p = site.browser().do(r)
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, 2, p.ProtoMajor)
}
