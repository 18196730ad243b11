package gimlet_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// everyForm are the ways in which bytes may stand in a text.
func everyForm(b []byte) []string {
	return []string{
		string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
		base64.RawStdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
	}
}

// The store holds only the SHA-256 of a secret: whoever steals the file finds
// no token in it, whatever happened to the session.
func TestIdentity_secretsAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		var secrets [][]byte
		run(t, shared, func(m *gimlet.Manager, site *site) {
			note := func(s *gimlet.Session) {
				b, err := hex.DecodeString(gimlet.SecretOf(s))
				require.NoError(t, err)
				secrets = append(secrets, b)
			}
			site.do("/note", note)
			site.on("/login", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
				require.NoError(t, s.Login(r.Context(), "alice"))
			})
			site.on("/renew", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
				require.NoError(t, s.Renew(r.Context()))
			})
			b := site.browser()
			for _, path := range []string{"/set", "/set/client", "/login", "/renew", "/get", "/get"} {
				b.ok(path)
				b.ok("/note")
				time.Sleep(40 * time.Minute) // now and then a renewal is due
			}
			s := m.Begin(t.Context())
			require.NoError(t, s.Commit(t.Context()))
			note(s)
		}, gimlet.WithCompression(gimlet.CompressionNone), gimlet.WithRenewal(time.Hour, time.Minute),
			gimlet.WithCookie(gimlet.Cookie{MaxBytes: 16384}))

		var file strings.Builder
		for rec, err := range shared.List(context.Background(), "") {
			require.NoError(t, err)
			file.Write(rec.ID[:])
			file.WriteString(rec.Owner)
			file.Write(rec.Data)
		}
		distinct := make(map[string]bool)
		for _, secret := range secrets {
			require.Len(t, secret, 16)
			distinct[string(secret)] = true
			for _, form := range everyForm(secret) {
				require.NotContains(t, file.String(), form)
			}
		}
		require.GreaterOrEqual(t, len(distinct), 5)
		digest := sha256.Sum256(secrets[len(secrets)-1])
		require.Contains(t, file.String(), string(digest[:]), "the search finds what is there")
	})
}

// A token that is unknown, expired, malformed, forged or foreign is no session:
// the request goes on without one, an event is counted, nothing is created or
// sent. A write begins a session of its own; the token that was presented is
// never adopted.
func TestIdentity_neverAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &eventBook{}
		opts := []gimlet.Option{gimlet.WithKeys(key(1)), gimlet.WithIdleTimeout(time.Hour)}
		m := newManager(t, append(opts, book.option())...)
		site := newLocal(t, m).begins()
		var id store.ID
		site.do("/write", func(s *gimlet.Session) { s.Set("own", true); id = s.ID() })
		site.do("/id", func(s *gimlet.Session) { s.Get("n"); id = s.ID() })
		site.on("/renew", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.Renew(r.Context()))
		})
		site.do("/own", func(s *gimlet.Session) { require.Equal(t, []string{"own"}, s.Keys()) })

		expired := site.ask("/set").line()
		site.ask("/id", expired)
		expiredID := id
		time.Sleep(time.Hour)
		destroyed, renewed := site.ask("/set").line(), site.ask("/set").line()
		site.ask("/destroy", destroyed)
		site.ask("/renew", renewed)
		time.Sleep(2 * time.Minute) // see TestLogin_overtakes for what holds before
		good := site.ask("/set").line()
		tests := map[string]struct {
			line   string
			reason gimlet.Reason
		}{
			"unknown":    {newLocal(t, newManager(t, opts...)).begins().ask("/set").line(), gimlet.ReasonUnknown},
			"expired":    {expired, gimlet.ReasonExpired},
			"destroyed":  {destroyed, gimlet.ReasonUnknown},
			"renewed":    {renewed, gimlet.ReasonStale},
			"malformed":  {"__Host-id=attacker-chosen-id", gimlet.ReasonMalformed},
			"plain hex":  {"__Host-id=" + expiredID.String(), gimlet.ReasonMalformed},
			"forged":     {good[:len(good)-6] + "AAAAAA", gimlet.ReasonTampered},
			"foreign":    {newLocal(t, newManager(t)).begins().ask("/set").line(), gimlet.ReasonStaleKey},
			"other name": {newLocal(t, newManager(t, append(opts, gimlet.WithName("b"))...)).begins().ask("/set").line(), gimlet.ReasonTampered},
		}
		for name, tt := range tests {
			book.take()
			before := m.Stats()
			p := site.ask("/id", tt.line)
			require.Equal(t, http.StatusOK, p.StatusCode, name)
			require.Zero(t, id, name)
			require.Empty(t, p.Cookies(), name)
			require.Equal(t, before.Store.Saves, m.Stats().Store.Saves, name)
			require.Equal(t, before.Rejected+1, m.Stats().Rejected, name)
			events := book.take()
			require.Len(t, events, 1, name)
			require.Equal(t, tt.reason, events[0].Reason, name)

			p = site.ask("/write", tt.line)
			require.Len(t, p.Cookies(), 1, name)
			require.NotEqual(t, tt.line, p.line(), name)
			require.NotContains(t, []store.ID{expiredID, book.take()[0].ID}, id, name)
			site.ask("/own", p.line())
			site.ask("/id", tt.line)
			require.Zero(t, id, "%s: still nobody", name)
		}
	})
}

// After Login or Renew the old token is dead at once: a copy of the old cookies
// reads nothing, on either side, and that takes no I/O for what they carry.
func TestIdentity_oldTokenIsDead(t *testing.T) {
	for _, path := range []string{"/login", "/renew", "/again"} {
		m := newManager(t)
		site := newLocal(t, m)
		site.do("/set", func(s *gimlet.Session) { s.Set("server", 1); s.Set("client", 1, gimlet.ClientSide) })
		site.on("/login", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.Login(r.Context(), "alice"))
		})
		site.on("/again", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.Login(r.Context(), "alice"))
			s.Set("client", 1, gimlet.ClientSide)
		})
		site.on("/renew", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.Renew(r.Context()))
		})
		var client, server any
		site.do("/client", func(s *gimlet.Session) { client = s.Get("client", gimlet.ClientSide) })
		site.do("/server", func(s *gimlet.Session) { server = s.Get("server") })
		b := site.browser()
		for range 3 {
			b.ok("/set")
			b.ok(path)
			stolen := b.steal()
			b.ok(path)

			loads := m.Stats().Loads
			stolen.ok("/client")
			require.Nil(t, client, path)
			require.Equal(t, loads, m.Stats().Loads, "no I/O")
			stolen.ok("/server")
			require.Nil(t, server, path)

			b.ok("/client")
			b.ok("/server")
			require.Equal(t, 1, client, path)
			require.Equal(t, 1, server, path)
		}
	}
}
