package gimlet_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// takeOver hijacks the connection and answers on it with text.
func takeOver(t *testing.T, w http.ResponseWriter, text string) {
	t.Helper()
	conn, rw, err := http.NewResponseController(w).Hijack()
	require.NoError(t, err)
	defer conn.Close()
	_, err = rw.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + text)
	require.NoError(t, err)
	require.NoError(t, rw.Flush())
}

// Hijack saves the session first; changes after it are saved when the handler
// returns. A session with a record needs no cookie for that.
func TestHijack_savesFirst(t *testing.T) {
	var book logBook
	m := newManager(t, book.option())
	returned := make(chan struct{}, 3)
	site := newSiteInside(t, m, false, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			returned <- struct{}{}
		})
	})
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/socket", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 2)
		saves := m.Stats().Saves
		takeOver(t, w, "taken")
		require.Equal(t, saves+1, m.Stats().Saves)
		s.Set("m", 3)
		require.NoError(t, s.Err())
	})
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, 2, s.Get("n"))
		require.Equal(t, 3, s.Get("m"))
	})
	b := site.browser()
	b.ok("/begin")
	<-returned
	require.Equal(t, "taken", b.ok("/socket").body)
	<-returned
	b.ok("/check")
	require.Empty(t, book.take())
}

// Whoever takes the connection over writes the response, so no cookie can be
// promised: what needs one is an error on the session and in the log, and not
// done. The rest is saved.
func TestHijack_cannotPromiseACookie(t *testing.T) {
	tests := map[string]struct {
		begin, change func(s *gimlet.Session)
	}{
		"a new session": {nil, func(s *gimlet.Session) { s.Set("n", 2) }},
		"a login":       {beginBothSides, func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "ann")); s.Set("n", 2) }},
		"a renewal":     {beginBothSides, func(s *gimlet.Session) { require.NoError(t, s.Renew(t.Context())); s.Set("n", 2) }},
		"a client-side value": {beginBothSides, func(s *gimlet.Session) {
			s.Set("c", 2, gimlet.ClientSide)
			s.Set("n", 2)
		}},
		"a move":     {beginBothSides, func(s *gimlet.Session) { s.Set("c", 2); s.Set("n", 2) }},
		"a clearing": {beginBothSides, func(s *gimlet.Session) { s.Clear(); s.Set("n", 2) }},
		"a first transient value": {func(s *gimlet.Session) { s.Set("c", 1) }, func(s *gimlet.Session) {
			s.Set("run", 1, gimlet.Transient)
			s.Set("n", 2)
		}},
		"a lifetime": {beginBothSides, func(s *gimlet.Session) { s.SetLifetime(1e12); s.Set("n", 2) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var book logBook
			m := newManager(t, book.option())
			site := newSite(t, m)
			site.do("/begin", func(s *gimlet.Session) { test.begin(s) })
			site.on("/socket", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				test.change(s)
				require.NoError(t, s.Err())
				takeOver(t, w, "taken")
				require.ErrorIs(t, s.Err(), gimlet.ErrHeadersSent)
			})
			site.do("/check", func(s *gimlet.Session) {
				require.Empty(t, s.Owner())
				if test.begin == nil {
					require.Zero(t, s.Len())
					return
				}
				require.Equal(t, 2, s.Get("n"))
				require.Equal(t, 1, s.Get("c"))
				require.False(t, s.Has("run") && name == "a first transient value")
			})
			b := site.browser()
			if test.begin != nil {
				b.ok("/begin")
			}
			records := m.Stats().Saves
			p := b.ok("/socket")
			require.Equal(t, "taken", p.body)
			require.Empty(t, p.Header["Set-Cookie"])
			lines := book.take()
			require.Len(t, lines, 1)
			require.Contains(t, lines[0], gimlet.ErrHeadersSent.Error())
			if test.begin == nil {
				require.Equal(t, records, m.Stats().Saves, "no record that nothing names")
			}
			b.ok("/check")
		})
	}
}

// A connection that is taken over from an untouched session costs nothing.
func TestHijack_untouched(t *testing.T) {
	m := newManager(t)
	r := request(begun(t, m))
	before := m.Stats()
	w := &fakeServer{m: m, header: http.Header{}}
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		require.NoError(t, gimlet.From(r).Err())
	})).ServeHTTP(w, r)
	require.Empty(t, w.header)
	require.Equal(t, before, m.Stats())
}

// Clear needs no cookie where no value is in one.
func TestHijack_clear(t *testing.T) {
	m := newManager(t)
	cookies := begun(t, m)
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gimlet.From(r).Clear()
		_, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		require.NoError(t, gimlet.From(r).Err())
	})).ServeHTTP(&fakeServer{m: m, header: http.Header{}}, request(cookies))
	answer(m, "https://example.test/", cookies, func(s *gimlet.Session) { require.Zero(t, s.Len()); require.False(t, s.ID().Reserved()) })
}

// What was committed before cannot be undone, but that its cookie is not sent
// is told.
func TestHijack_afterCommit(t *testing.T) {
	for name, change := range map[string]func(s *gimlet.Session) error{
		"a new session": func(s *gimlet.Session) error { s.Set("n", 1); return nil },
		"a renewal":     func(s *gimlet.Session) error { return s.Renew(t.Context()) },
		"a login":       func(s *gimlet.Session) error { return s.Login(t.Context(), "ann") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			var cookies []*http.Cookie
			if name != "a new session" {
				cookies = begun(t, m)
			}
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := gimlet.From(r)
				require.NoError(t, change(s))
				require.NoError(t, s.Commit(t.Context()))
				_, _, err := w.(http.Hijacker).Hijack()
				require.NoError(t, err)
				require.ErrorIs(t, s.Err(), gimlet.ErrHeadersSent)
			})).ServeHTTP(&fakeServer{m: m, header: http.Header{}}, request(cookies))
		})
	}
}

// A scheduled renewal waits for a response that can carry the new token.
func TestHijack_noScheduledRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithRenewal(time.Hour, time.Minute))
		cookies := begun(t, m)
		time.Sleep(2 * time.Hour)
		w := &fakeServer{m: m, header: http.Header{}}
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, 0, gimlet.From(r).Get("n"))
			_, _, err := w.(http.Hijacker).Hijack()
			require.NoError(t, err)
			require.NoError(t, gimlet.From(r).Err())
		})).ServeHTTP(w, request(cookies))
		time.Sleep(2 * time.Minute)
		w = &fakeServer{m: m, header: http.Header{}}
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.Equal(t, 0, gimlet.From(r).Get("n"), "the old token is not dead")
		})).ServeHTTP(w, request(cookies))
		require.Len(t, w.header["Set-Cookie"], 1)
		require.NoError(t, m.Close())
	})
}

// A connection that cannot be taken over leaves the session as it was: the
// response that follows carries its cookie.
func TestHijack_notSupported(t *testing.T) {
	around := newManager(t, gimlet.WithCookie(gimlet.Cookie{Name: "outer"}))
	site := newSiteInside(t, newManager(t), true, around.Handler)
	site.on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 1)
		_, _, err := w.(http.Hijacker).Hijack()
		require.ErrorIs(t, err, http.ErrNotSupported)
		s.Set("c", 1, gimlet.ClientSide)
		require.NoError(t, s.Err())
	})
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, 1, s.Get("n"))
		require.Equal(t, 1, s.Get("c"))
	})
	b := site.browser()
	require.Len(t, b.ok("/").Header["Set-Cookie"], 1)
	b.ok("/check")
}

// A WebSocket library that writes the head of the response with WriteHeader
// before it takes the connection over gets the cookie out.
func TestHijack_afterSwitchingProtocols(t *testing.T) {
	site := newSite(t, newManager(t)).on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 1)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		defer conn.Close()
		line, err := rw.ReadString('\n')
		require.NoError(t, err)
		_, err = rw.WriteString(strings.ToUpper(line))
		require.NoError(t, err)
		require.NoError(t, rw.Flush())
		require.NoError(t, s.Err())
	})
	r, err := http.NewRequest(http.MethodGet, site.URL, nil)
	require.NoError(t, err)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	resp, err := site.client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.Len(t, resp.Header["Set-Cookie"], 1)
	body := resp.Body.(io.ReadWriter)
	_, err = io.WriteString(body, "hello\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HELLO\n", line)
}
