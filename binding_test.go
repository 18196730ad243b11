package gimlet_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

func network(r *http.Request) string { return r.Header.Get("Network") }

// from asks with a cookie from a network.
func (s *site) from(network, path, line string) page {
	r := httptest.NewRequest(http.MethodGet, s.URL+path, nil)
	r.Header.Set("Network", network)
	if line == "" {
		return s.send(r)
	}
	return s.send(r, line)
}

// A cookie that comes with another property than it was made for is no
// session, and an event; no I/O is needed to see that.
func TestWithBinding(t *testing.T) {
	book := &eventBook{}
	for _, cookieOnly := range []int{0, 4000} {
		m := newManager(t, gimlet.WithBinding(network), gimlet.WithCookieOnly(cookieOnly), book.option())
		site := newLocal(t, m).begins()
		line := site.from("home", "/set", "").line()
		book.take()
		require.Equal(t, "five", site.from("home", "/get", line).body)
		loads := m.Stats().Loads
		for _, elsewhere := range []string{"cafe", "", "Home", "home "} {
			p := site.from(elsewhere, "/get", line)
			require.Empty(t, p.body, elsewhere)
			require.Empty(t, p.Cookies())
			events := book.take()
			require.Len(t, events, 1)
			require.Equal(t, gimlet.ReasonBinding, events[0].Reason)
		}
		require.Equal(t, loads, m.Stats().Loads)
		require.Equal(t, "five", site.from("home", "/get", line).body, "it is not ended")
	}
}

// The property is kept as a hash, inside the seal.
func TestWithBinding_keptAsHash(t *testing.T) {
	m := newManager(t, gimlet.WithBinding(network), gimlet.WithCookie(gimlet.Cookie{Signed: true}))
	p := newLocal(t, m).begins().from("a-network-with-a-name", "/set", "")
	raw, err := base64.RawURLEncoding.DecodeString(p.Cookies()[0].Value[1:])
	require.NoError(t, err)
	require.NotContains(t, string(raw), "network")
}

// Cookies from before the option was set are bound to nothing, and refused.
func TestWithBinding_turnedOn(t *testing.T) {
	shared := memory.New()
	line := ""
	run(t, shared, func(_ *gimlet.Manager, site *site) { line = site.from("home", "/set", "").line() })
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		require.Empty(t, site.from("home", "/get", line).body)
		require.Empty(t, site.from("", "/get", line).body)
	}, gimlet.WithBinding(network))
}

// Tokens for clients without cookies are bound to nothing.
func TestWithBinding_tokens(t *testing.T) {
	m := newManager(t, gimlet.WithBinding(network))
	token := ""
	site := newLocal(t, m).begins().do("/token", func(s *gimlet.Session) {
		var err error
		token, err = s.Token()
		require.NoError(t, err)
	})
	site.from("home", "/token", site.from("home", "/set", "").line())
	s, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, 5, s.Get("n"))
}
