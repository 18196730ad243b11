package gimlet_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// A suspect is a manager in a test of what it tells, and its only client.
type suspect struct {
	t       *testing.T
	m       *gimlet.Manager
	disk    *breakable
	tap     *wiretap
	told    *transcript
	secrets secrets
	cookies []*http.Cookie
	agent   string
}

const sentinel = "sentinel-4c1f-value"

func newSuspect(t *testing.T, opts ...gimlet.Option) *suspect {
	u := &suspect{t: t, disk: newBreakable(), secrets: secrets{sentinel: "a value"}}
	u.tap, u.told = newTap()
	u.tap.test, u.tap.to = t.Name(), append(u.tap.to, &suite.told)
	u.m = newManagerOn(t, u.disk, append(u.tap.options(), opts...)...)
	u.ring()
	return u
}

// ring keeps the keys that the manager has now.
func (u *suspect) ring() {
	for _, key := range gimlet.RingKeys(u.m) {
		u.secrets.add("a ring key", string(key))
	}
}

// do answers a request, and keeps every secret that is seen on its way.
func (u *suspect) do(work func(s *gimlet.Session)) {
	r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
	r.Header.Set("User-Agent", u.agent)
	for _, c := range u.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	u.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := gimlet.From(r)
		work(s)
		var value *gimlet.ValueError // its cause, the codec's own words, may quote the value
		if err := s.Err(); !errors.As(err, &value) {
			u.tap.error(err)
		}
		u.tap.print(s)
		u.secret(s)
	})).ServeHTTP(w, r)
	u.tap.print(w.Body.String())
	for _, c := range w.Result().Cookies() {
		u.cookies = slices.DeleteFunc(slices.Clone(u.cookies), func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			u.cookies = append(u.cookies, c)
			u.secrets.sealed("a cookie", c.Value)
			suite.kept.keep(secrets.sealed, "a cookie", c.Value)
		}
	}
}

// secret keeps the secret of a session's token.
func (u *suspect) secret(s *gimlet.Session) {
	raw, err := hex.DecodeString(gimlet.SecretOf(s))
	require.NoError(u.t, err)
	u.secrets.add("a token's secret", string(raw))
}

// given keeps what the program was given to hand on.
func (u *suspect) given(what, text string, err error) string {
	require.NoError(u.t, err)
	u.secrets.add(what, text)
	suite.kept.keep(secrets.add, what, text)
	return text
}

// live goes through a session's life: values, login, renewals, tokens, tickets.
func (u *suspect) live() {
	ctx := u.t.Context()
	u.do(func(s *gimlet.Session) { s.Set("name", sentinel); s.Set("c", sentinel, gimlet.ClientSide) })
	u.do(func(s *gimlet.Session) { s.Set("run", sentinel, gimlet.Transient); s.Flash("queue", sentinel) })
	u.do(func(s *gimlet.Session) { u.given("a CSRF token", s.CSRFToken(), nil) })
	u.do(func(s *gimlet.Session) { require.NoError(u.t, s.Login(ctx, "ann")) })
	token, ticket := "", ""
	u.do(func(s *gimlet.Session) {
		text, err := s.Token()
		token = u.given("a token", text, err)
		text, err = s.Ticket("socket", time.Minute)
		ticket = u.given("a ticket", text, err)
	})
	for _, load := range []func() (*gimlet.Session, error){
		func() (*gimlet.Session, error) { return u.m.Load(ctx, token) },
		func() (*gimlet.Session, error) { return u.m.Redeem(ctx, "socket", ticket) },
	} {
		s, err := load()
		require.NoError(u.t, err)
		u.secret(s)
		u.tap.print(s)
	}
	for _, text := range []string{ticket, token[:60], token[:60] + token[61:], token + "\n", sentinel} {
		_, err := u.m.Load(ctx, text)
		require.ErrorIs(u.t, err, gimlet.ErrNoSession)
		u.tap.error(err)
		_, err = u.m.Redeem(ctx, "download", text)
		u.tap.error(err)
	}
	u.agent = "another browser" // moved, with BindingRenew
	u.do(func(s *gimlet.Session) { s.Get("name") })
	time.Sleep(2 * time.Hour) // a scheduled renewal
	u.do(func(s *gimlet.Session) { require.Equal(u.t, sentinel, s.Get("name")) })
	u.do(func(s *gimlet.Session) { require.NoError(u.t, s.Renew(ctx)) })
}

// fail makes every kind of request that is refused or goes wrong.
func (u *suspect) fail() {
	ctx := u.t.Context()
	good := u.cookies
	for _, value := range []string{"1" + sentinel, good[0].Value + "A", good[0].Value[:50], "9" + good[0].Value, good[0].Value[1:], "1" + good[0].Value[10:]} {
		u.cookies = []*http.Cookie{{Name: good[0].Name, Value: value}}
		u.do(func(s *gimlet.Session) { require.Nil(u.t, s.Get("name")) })
	}
	u.cookies = good
	u.do(func(s *gimlet.Session) { gimlet.NewKey[int]("name").Get(s) })
	u.do(func(s *gimlet.Session) { s.Set("f", func() string { return sentinel }) })
	u.do(func(s *gimlet.Session) { s.Set("big", strings.Repeat(sentinel, 10000)) })
	u.do(func(s *gimlet.Session) { s.Set("c", strings.Repeat(sentinel, 700), gimlet.ClientSide) })
	u.do(func(s *gimlet.Session) { u.tap.error(s.Login(ctx, strings.Repeat("x", store.MaxOwner+1))) })
	for _, broken := range []*fault{&u.disk.loads, &u.disk.saves, &u.disk.deletes} {
		broken.set(errDisk)
		u.do(func(s *gimlet.Session) { s.Get("name"); s.Set("n", sentinel); u.tap.error(s.Err()) })
		u.do(func(s *gimlet.Session) { u.tap.error(s.Destroy(ctx)) })
		u.tap.error(u.m.RevokeAll(ctx))
		u.tap.error(u.m.RevokeKeys(ctx, time.Now()))
		broken.mend()
	}
}

// end ends sessions, cookies and keys in every way.
func (u *suspect) end() {
	ctx := u.t.Context()
	login := func(s *gimlet.Session) { require.NoError(u.t, s.Login(ctx, "ann")); s.Set("name", sentinel) }
	u.do(login)
	u.do(func(s *gimlet.Session) { require.NoError(u.t, s.Destroy(ctx)) })
	u.do(login)
	u.do(func(s *gimlet.Session) { require.NoError(u.t, s.Login(ctx, "bob")) })
	_, err := u.m.RevokeOwner(ctx, "bob")
	require.NoError(u.t, err)
	u.do(func(s *gimlet.Session) { s.Get("name") })
	u.do(login)
	require.NoError(u.t, u.m.RevokeAll(ctx))
	u.do(func(s *gimlet.Session) { s.Get("name") })
	u.do(login)
	err = u.m.RevokeKeys(ctx, time.Now().Add(time.Hour))
	u.tap.error(err)
	u.ring()
	u.do(func(s *gimlet.Session) { s.Get("name") })
	u.do(login)
	time.Sleep(25 * time.Hour) // the idle timeout
	u.do(login)
	u.tap.print(u.m)
	u.tap.print(u.m.Stats())
}

// No cookie, token, ticket, secret, key or value is in anything that is logged
// at any level, told by an event or said by an error, whatever happens: neither
// whole nor in part, neither as it is nor encoded.
func TestSecrets_areNeverTold(t *testing.T) {
	key := []byte("k3y:8Jq0Zt5Wc2Rm9Xv4Lp7Ns1Bd6HgYf")
	agent := gimlet.WithBinding(func(r *http.Request) string { return r.UserAgent() })
	setups := map[string][]gimlet.Option{
		"a ring in the store": nil,
		"a sealed ring":       {gimlet.WithKeyEncryption(key)},
		"given keys":          {gimlet.WithKeys(key)},
		"signed cookies":      {gimlet.WithCookie(gimlet.Cookie{Signed: true})},
		"cookie only":         {gimlet.WithCookieOnly(3000)},
		"binding":             {agent, gimlet.WithBindingAction(gimlet.BindingRenew)},
	}
	for name, opts := range setups {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newSuspect(t, append(opts, gimlet.WithRenewal(time.Hour, time.Minute), gimlet.WithMaxSessionsPerOwner(1))...)
				u.secrets.add("the given key", string(key))
				u.live()
				u.fail()
				u.end()
				require.Subset(t, u.tap.kind, map[gimlet.EventKind]bool{gimlet.EventCreated: true, gimlet.EventLogin: true, gimlet.EventRenewed: true,
					gimlet.EventEnded: true, gimlet.EventRevokedAll: true, gimlet.EventRejected: true, gimlet.EventLimit: true, gimlet.EventFailed: true})
				require.Greater(t, len(u.secrets), 25)
				lines := u.told.take()
				require.Empty(t, u.secrets.found(lines))
				require.Empty(t, envelopes(lines))
				u.control()
			})
		})
	}
}

// control requires that each secret is found if it is told after all.
func (u *suspect) control() {
	for secret, what := range u.secrets {
		only := secrets{secret: what}
		for _, tell := range []func(w *wiretap){
			func(w *wiretap) { slog.New(w).Debug("request", "cookie", secret) },
			func(w *wiretap) { slog.New(w).Debug("request", "cookie", []byte(secret)) },
			func(w *wiretap) { w.error(fmt.Errorf("open: %w", fmt.Errorf("%q: %w", secret, errDisk))) },
			func(w *wiretap) { w.event(u.t.Context(), gimlet.Event{Err: fmt.Errorf("%x", secret)}) },
			func(w *wiretap) { w.print(base64.URLEncoding.EncodeToString([]byte(secret))) },
			func(w *wiretap) { w.print(secret[:len(secret)/4*4]) },
		} {
			w, told := newTap()
			tell(w)
			require.Len(u.t, only.found(told.take()), 1, what)
		}
	}
}

// What New says of keys and variables that it refuses does not quote them.
func TestSecrets_refusedOptions(t *testing.T) {
	short, odd := "2Jq0Zt5Wc2Rm9Xv4Lp7Ns1", "5Wc2Rm9Xv4Lp7Ns1-not-base64!"
	t.Setenv("SECRETS_KEYS", odd)
	t.Setenv("SECRETS_KEY_ENCRYPTION", base64.StdEncoding.EncodeToString([]byte(short)))
	steady := strings.Repeat("abcdefgh", 4)
	hidden := secrets{short: "short", odd: "odd", steady: "steady"}
	w, told := newTap()
	for _, opt := range []gimlet.Option{
		gimlet.WithKeys([]byte(short)), gimlet.WithKeys([]byte(steady)),
		gimlet.WithKeyEncryption([]byte(short)), gimlet.WithEnv("SECRETS_"),
	} {
		_, err := gimlet.New(newBreakable(), opt)
		require.Error(t, err)
		w.error(err)
	}
	require.Empty(t, hidden.found(told.take()))
}
