package gimlet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A witness is whatever a program can see of a manager besides its answers:
// log lines, events, errors.
type witness struct {
	logBook
	events eventBook
	errs   []error
}

func (w *witness) text() string {
	var b strings.Builder
	for _, line := range w.take() {
		b.WriteString(line)
	}
	for _, e := range w.events.take() {
		fmt.Fprintf(&b, "%+v\n", e)
	}
	for _, err := range w.errs {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// No token, secret, cookie, ring key or value is ever logged or told, at any
// level, whatever happens.
func TestLogger_tellsNoSecret(t *testing.T) {
	const sentinel = "sentinel-7f3a"
	key := []byte("k3y:8Jq0Zt5Wc2Rm9Xv4Lp7Ns1Bd6HgYf")
	for _, signed := range []bool{false, true} {
		var w witness
		disk := newBreakable()
		m := newManagerOn(t, disk, w.option(), w.events.option(), gimlet.WithKeys(key),
			gimlet.WithCookie(gimlet.Cookie{Signed: signed}), gimlet.WithMaxSize(10000), gimlet.WithMaxSessionsPerOwner(1))
		secrets := []string{sentinel, "7373737373", string(key), hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key)}
		var cookies []*http.Cookie
		do := func(work func(s *gimlet.Session)) {
			if got := answer(m, "https://example.test/", cookies, func(s *gimlet.Session) {
				work(s)
				var value *gimlet.ValueError // its cause may quote the value
				if err := s.Err(); err != nil && !errors.As(err, &value) {
					w.errs = append(w.errs, err)
				}
				secrets = append(secrets, gimlet.SecretOf(s))
			}).Cookies(); len(got) > 0 {
				cookies = got
				for _, c := range got {
					if c.MaxAge >= 0 {
						secrets = append(secrets, c.Value)
					}
				}
			}
		}
		flows(t, m, disk, do, func(secret string) { secrets = append(secrets, secret) }, sentinel)
		text := w.text()
		require.Greater(t, strings.Count(text, "\n"), 20, "the flows are told")
		for _, secret := range secrets {
			if strings.Trim(secret, "0") == "" {
				continue // of no session
			}
			require.NotContains(t, text, secret)
			if raw, err := hex.DecodeString(secret); err == nil {
				require.NotContains(t, text, base64.RawURLEncoding.EncodeToString(raw))
				require.NotContains(t, text, string(raw))
				require.NotContains(t, text, fmt.Sprint(raw))
			}
		}
	}
}

// flows does everything that is logged or told.
func flows(t *testing.T, m *gimlet.Manager, disk *breakable, do func(func(s *gimlet.Session)), secret func(string), sentinel string) {
	ctx := t.Context()
	type before struct{ Age int64 }
	type after struct{ Age int8 }
	do(func(s *gimlet.Session) { s.Set("name", sentinel); s.Set("c", sentinel, gimlet.ClientSide) })
	do(func(s *gimlet.Session) { s.Set("run", sentinel, gimlet.Transient); s.Flash("queue", sentinel) })
	do(func(s *gimlet.Session) { require.NoError(t, s.Login(ctx, "ann")) })
	do(func(s *gimlet.Session) { gimlet.NewKey[int]("name").Get(s) })
	do(func(s *gimlet.Session) { gimlet.NewKey[map[string]int]("name").Get(s) })
	do(func(s *gimlet.Session) { s.Set("age", before{7373737373}); gimlet.NewKey[after]("age").Get(s) })
	do(func(s *gimlet.Session) { gimlet.NewKey[after]("age").Update(s, func(a after) after { return a }) })
	do(func(s *gimlet.Session) { s.Set("f", func() string { return sentinel }) })
	do(func(s *gimlet.Session) { s.Set("big", strings.Repeat(sentinel, 1000)) })
	do(func(s *gimlet.Session) { s.Set("c", strings.Repeat(sentinel, 700), gimlet.ClientSide) })
	do(func(s *gimlet.Session) { s.Set("", sentinel) })
	do(func(s *gimlet.Session) { s.Set("name", sentinel, gimlet.ClientSide|gimlet.ServerSide) })
	do(func(s *gimlet.Session) { require.Error(t, s.Login(ctx, strings.Repeat(sentinel, 100))) })
	do(func(s *gimlet.Session) { require.NoError(t, s.Renew(ctx)) })
	do(func(s *gimlet.Session) { slog.New(slog.DiscardHandler).Info("kept quiet", "session", s) })
	for _, fault := range []*fault{&disk.loads, &disk.saves, &disk.deletes} {
		fault.set(errDisk)
		do(func(s *gimlet.Session) { s.Get("name"); s.Set("n", sentinel) })
		do(func(s *gimlet.Session) { _ = s.Destroy(ctx) })
		fault.mend()
	}
	s, token := newToken(t, m)
	secret(token)
	secret(gimlet.SecretOf(s))
	for _, text := range []string{token[:80], token + "x", strings.Repeat("A", 100)} {
		_, err := m.Load(ctx, text)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
	}
	require.NoError(t, m.Revoke(ctx, s.ID()))
	do(func(s *gimlet.Session) { require.NoError(t, s.Login(ctx, "another")) })
	do(func(s *gimlet.Session) { require.NoError(t, s.Destroy(ctx)) })
	do(func(s *gimlet.Session) { s.Get("name") })
	require.NoError(t, m.RevokeAll(ctx))
}

// Line ends and other control characters in keys cannot forge log lines.
func TestLogger_forgedLines(t *testing.T) {
	var text bytes.Buffer
	m := newManager(t, gimlet.WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
	answer(m, "https://example.test/", nil, func(s *gimlet.Session) {
		s.Set("key\r\nlevel=ERROR msg=forged\x1b[2J", make(chan int))
	})
	require.Equal(t, 1, strings.Count(text.String(), "\n"))
	require.NotContains(t, text.String(), "\x1b")
}

// Without the option the default logger is used, as it is at that time.
func TestLogger_default(t *testing.T) {
	m := newManager(t)
	var book logBook
	was := slog.Default()
	defer slog.SetDefault(was)
	slog.SetDefault(slog.New(slog.NewJSONHandler(&book, nil)))
	answer(m, "https://example.test/", nil, func(s *gimlet.Session) { s.Set("n", make(chan int)) })
	lines := book.take()
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], `"level":"ERROR"`)
	require.Contains(t, lines[0], "gimlet: session failed")
}

// An undisturbed life is not logged at all: the log is for what goes wrong.
func TestLogger_silentWhenAllIsWell(t *testing.T) {
	var book logBook
	m := newManager(t, book.option())
	cookies := answer(m, "https://example.test/", nil, func(s *gimlet.Session) { s.Set("n", 1) }).Cookies()
	for _, work := range []func(s *gimlet.Session){
		func(s *gimlet.Session) { s.Get("n") },
		func(s *gimlet.Session) { s.Set("n", 2) },
		logout,
	} {
		answer(m, "https://example.test/", cookies, work)
	}
	answer(m, "https://example.test/", []*http.Cookie{{Name: "__Host-id", Value: "garbage"}}, func(s *gimlet.Session) { s.Get("n") })
	require.Empty(t, book.take())
}
