package gimlet

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever has the file, with the ring in the clear, makes cookies that name the
// session of another: without its secret they end nothing, whatever they say of
// it and wherever it lives.
func TestForged_endsNobody(t *testing.T) {
	for name, action := range map[string]BindingAction{"logout": BindingRefuse, "moved": BindingEnd} {
		for _, client := range []bool{true, false} {
			m := managerInside(t, WithBindingAction(action), WithBinding(func(r *http.Request) string { return "here" }))
			h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = From(r).Destroy(r.Context())
			}))
			victim := m.Begin(t.Context())
			victim.Set("a", 1)
			if client {
				victim.Set("c", 1, ClientSide)
			}
			require.NoError(t, victim.Login(t.Context(), "alice"))
			require.NoError(t, victim.Commit(t.Context()))
			token, err := victim.Token()
			require.NoError(t, err)
			for _, flags := range []flag{0, flagStored, flagCarried, flagStored | flagCarried} {
				p := victim.payload(&victim.state)
				p.token.secret = newSecret()
				p.flags = flags | flagBound
				p.renewals += 10
				p.binding = bindingOf("here")
				if action == BindingEnd {
					p.binding = bindingOf("there")
				}
				text, err := m.cookies.main.sealer.seal(p.append(nil), time.Now())
				require.NoError(t, err)
				r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
				r.Header.Set("Cookie", "__Host-id=1"+text)
				h.ServeHTTP(httptest.NewRecorder(), r)
				s, err := m.Load(t.Context(), token)
				require.NoError(t, err, "%s, flags %d", name, flags)
				require.Equal(t, client, s.Has("c"))
			}
		}
	}
}
