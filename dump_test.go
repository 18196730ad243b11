package gimlet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// What a session prints shows its ID, whether it has an owner, and the keys
// that are known, never values.
func TestDump_session(t *testing.T) {
	m := newManager(t)
	var cookies []*http.Cookie
	dumped := func(work func(s *gimlet.Session)) (text, id string) {
		resp := answer(m, "https://example.test/", cookies, func(s *gimlet.Session) {
			work(s)
			text = s.String()
			id = s.ID().String()
		})
		if len(resp.Cookies()) > 0 {
			cookies = resp.Cookies()
		}
		return text, id
	}
	text, _ := dumped(func(*gimlet.Session) {})
	require.Equal(t, `gimlet.Session{state="untouched"}`, text)
	text, _ = dumped(func(s *gimlet.Session) { s.Get("n") })
	require.Equal(t, `gimlet.Session{state="none"}`, text)
	text, id := dumped(func(s *gimlet.Session) {
		s.Set("n", "secret")
		s.Set("c", "secret", gimlet.ClientSide)
		s.Flash("", "secret")
	})
	require.Equal(t, `gimlet.Session{state="new" id="`+id+`" owner=false keys=["c" "n"]}`, text)
	text, id = dumped(func(s *gimlet.Session) { require.Equal(t, "secret", s.Get("c")) })
	require.Equal(t, `gimlet.Session{state="not loaded" id="`+id+`" owner=false keys=["c"]}`, text)
	text, id = dumped(func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "secret")) })
	require.Equal(t, `gimlet.Session{state="loaded" id="`+id+`" owner=true keys=["c" "n"]}`, text)
	text, _ = dumped(func(s *gimlet.Session) { s.Set("line\nend", 1); s.Delete("n") })
	require.Contains(t, text, `keys=["c" "line\nend"]`)
	text, _ = dumped(func(s *gimlet.Session) { s.Set("", "secret") })
	require.Equal(t, `gimlet.Session{state="failed"}`, text)
}

// Every way to print or log a session, an Info or a manager shows no secret.
func TestDump_everyVerb(t *testing.T) {
	key := []byte("k3y:8Jq0Zt5Wc2Rm9Xv4Lp7Ns1Bd6HgYf")
	m := newManager(t, gimlet.WithKeys(key))
	s := m.Begin(t.Context())
	s.Set("n", "sentinel")
	s.Set("c", "sentinel", gimlet.ClientSide)
	require.NoError(t, s.Login(t.Context(), "owner-sentinel"))
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	var info gimlet.Info
	for info, err = range m.Sessions(t.Context(), "owner-sentinel") {
		require.NoError(t, err)
	}
	require.Equal(t, "sentinel", info.Get("n"))
	require.Equal(t, `gimlet.Info{id="`+s.ID().String()+`" owner=true keys=["n"]}`, info.String())
	require.Equal(t, `gimlet.Manager{name="default"}`, m.String())

	var text bytes.Buffer
	for _, v := range []any{s, info, m, []any{s, info, m}, map[string]any{"s": s, "i": info, "m": m}} {
		for _, format := range []string{"%v\n", "%+v\n", "%#v\n", "%s\n", "%q\n", "%x\n"} {
			fmt.Fprintf(&text, format, v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)} {
		slog.New(h).Info("look", "s", s, "i", info, "m", m)
		slog.New(h).Info("look", slog.Any("all", []any{s, m}))
	}
	enc, err := json.Marshal([]any{s, m})
	require.NoError(t, err)
	text.Write(enc)
	for _, secret := range []string{"sentinel", token, gimlet.SecretOf(s), string(key)} {
		require.NotContains(t, text.String(), secret)
		require.NotContains(t, text.String(), fmt.Sprintf("%x", secret))
		require.NotContains(t, text.String(), fmt.Sprint([]byte(secret)))
		require.NotContains(t, text.String(), fmt.Sprintf("%#v", []byte(secret)))
	}
	require.Contains(t, text.String(), s.ID().String())
}

// A session can be logged from wherever it is in use, without waiting.
func TestDump_neverWaits(t *testing.T) {
	s := newManager(t).Begin(t.Context())
	gimlet.NewKey[int]("n").Update(s, func(n int) int {
		require.Equal(t, `gimlet.Session{state="in use"}`, s.String())
		return n + 1
	})
	require.Equal(t, 1, s.Get("n"))
}
