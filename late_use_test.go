package gimlet_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

const lateUse = "gimlet: session first used after the headers, so neither Vary nor a cookie could be sent: use it before the first byte"

// A logLine is what a manager logs.
type logLine struct{ Level, Msg, Pattern, Session, Error string }

func logLines(t *testing.T, book *logBook) (lines []logLine) {
	t.Helper()
	for _, text := range book.take() {
		var line logLine
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		lines = append(lines, line)
	}
	return lines
}

// useLate serves a handler that uses its session after the headers, and
// returns what is logged when a browser, with a session or without, asks for
// its page.
func useLate(t *testing.T, with bool, use func(s *gimlet.Session), opts ...gimlet.Option) []logLine {
	t.Helper()
	var book logBook
	site := newSite(t, newManager(t, append(opts, book.option())...))
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/late", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "whole")
		w.(http.Flusher).Flush()
		use(s)
		_, _ = io.WriteString(w, " page")
	})
	b := site.browser()
	if with {
		b.ok("/begin")
	}
	p := b.ok("/late")
	require.Equal(t, "whole page", p.body)
	requireNoTrace(t, p)
	return logLines(t, &book)
}

// A session that is first used after the headers is used all the same, and one
// warning says that caches could not be told, for whatever was asked of it.
func TestLate_firstUseIsLogged(t *testing.T) {
	for name, read := range readings {
		for _, with := range []bool{true, false} {
			lines := useLate(t, with, func(s *gimlet.Session) { read(s); s.Has("n"); s.Len() })
			fails := name == "Renew" || with && name == "timeouts" || with && name == "SetStored"
			if fails {
				continue // says more: TestLate_oneLine
			}
			require.Len(t, lines, 1, name)
			require.Equal(t, "WARN", lines[0].Level, name)
			require.Equal(t, lateUse, lines[0].Msg, name)
			require.Equal(t, "/late", lines[0].Pattern, name)
			require.Equal(t, with && name != "Destroy", lines[0].Session != "", name)
		}
	}
}

// A change after the headers that is saved is a late use as well, and one that
// needs a cookie says so itself, in the only line.
func TestLate_oneLine(t *testing.T) {
	ctx := t.Context()
	saved := map[string]func(s *gimlet.Session){
		"Set":    func(s *gimlet.Session) { s.Set("n", 2) },
		"Delete": func(s *gimlet.Session) { s.Delete("n") },
		"Flash":  func(s *gimlet.Session) { s.Flash("", "hello") },
		"Update": func(s *gimlet.Session) { gimlet.NewKey[int]("n").Update(s, func(n int) int { return n + 1 }) },
	}
	for name, change := range saved {
		lines := useLate(t, true, change)
		require.Len(t, lines, 1, name)
		require.Equal(t, lateUse, lines[0].Msg, name)
	}
	lost := map[string]func(s *gimlet.Session){
		"client-side": func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) },
		"read first":  func(s *gimlet.Session) { s.Get("n"); s.Set("c", 1, gimlet.ClientSide) },
		"transient":   func(s *gimlet.Session) { s.Set("t", 1, gimlet.Transient) },
		"Renew":       func(s *gimlet.Session) { require.Error(t, s.Renew(ctx)) },
		"Login":       func(s *gimlet.Session) { require.Error(t, s.Login(ctx, "ann")) },
		"SetLifetime": func(s *gimlet.Session) { s.SetLifetime(1e9) },
		"SetStored":   func(s *gimlet.Session) { s.SetStored(true) },
	}
	for name, change := range lost {
		lines := useLate(t, true, change)
		require.Len(t, lines, 1, name)
		require.Contains(t, lines[0].Error, gimlet.ErrHeadersSent.Error(), name)
	}
	first := useLate(t, false, func(s *gimlet.Session) { s.Set("n", 1) })
	require.Len(t, first, 1)
	require.Contains(t, first[0].Error, gimlet.ErrHeadersSent.Error())
}

// Nothing is logged of a session that was used before the headers, or only
// asked for what does not touch it.
func TestLate_earlyUseIsNotLogged(t *testing.T) {
	for name, read := range readings {
		var book logBook
		site := newSite(t, newManager(t, book.option()))
		site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
		site.on("/early", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			read(s)
			_, _ = io.WriteString(w, "page")
			w.(http.Flusher).Flush()
			s.Get("n")
		})
		b := site.browser()
		b.ok("/early")
		b.ok("/begin")
		b.ok("/early")
		require.Empty(t, book.take(), name)
	}
	require.Empty(t, useLate(t, true, func(s *gimlet.Session) {
		require.NoError(t, s.Err())
		require.NotEmpty(t, s.String())
		require.NoError(t, s.Commit(t.Context()))
	}))
}

// Whoever took over the connection writes the response, and a goroutine that
// outlives the handler has no part in it: neither is late.
func TestLate_notAfterTheResponse(t *testing.T) {
	var book logBook
	site := newSite(t, newManager(t, book.option()))
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/hijack", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		require.Equal(t, 1, s.Get("n"))
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	})
	returned, read := make(chan struct{}), make(chan any)
	site.on("/outlive", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "page")
		go func() { <-returned; read <- s.Get("n") }()
	})
	b := site.browser()
	b.ok("/begin")
	b.ok("/hijack")
	b.ok("/outlive")
	close(returned)
	require.Equal(t, 1, <-read)
	require.Empty(t, book.take())
}

// A handler that panics is told as well; a session that fails has broken off
// its response, and says why.
func TestLate_brokenOff(t *testing.T) {
	var book logBook
	disk := newBreakable()
	site := newSite(t, newManagerOn(t, disk, book.option()))
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/late", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		s.Get("n")
		if r.FormValue("panic") != "" {
			panic(http.ErrAbortHandler)
		}
	})
	b := site.browser()
	b.ok("/begin")
	_, err := io.ReadAll(b.open("/late?panic=1"))
	require.Error(t, err)
	lines := logLines(t, &book)
	require.Len(t, lines, 1)
	require.Equal(t, lateUse, lines[0].Msg)

	disk.loads.set(errors.New("unplugged"))
	_, err = io.ReadAll(b.open("/late"))
	require.Error(t, err)
	lines = logLines(t, &book)
	require.Len(t, lines, 1)
	require.Equal(t, "gimlet: session failed", lines[0].Msg)
}

// open returns the body of a page that may be broken off.
func (b *browser) open(path string) io.Reader {
	b.t.Helper()
	resp, err := b.client.Get(b.site.URL + path)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, resp.Body.Close()) })
	return resp.Body
}

// The warning names the pattern that the program has written, and nothing that
// the client has sent.
func TestLate_tellsNoSecret(t *testing.T) {
	var book logBook
	site := newSite(t, newManager(t, book.option()))
	secrets := []string{"sentinel"}
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", "sentinel") })
	site.on("/late/{token}", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		secrets = append(secrets, gimlet.SecretOf(s))
	})
	b := site.browser()
	b.ok("/begin")
	for _, c := range b.cookies() {
		secrets = append(secrets, c.Value)
	}
	b.ok("/late/sentinel?reset=sentinel")
	lines := book.take()
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], `"pattern":"/late/{token}"`)
	for _, secret := range secrets {
		require.NotContains(t, lines[0], secret)
	}
}
