package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Done is closed when the session ends: by Destroy, Revoke, RevokeOwner,
// RevokeAll or expiry, and when the manager closes; use extends it.
func TestDone_everyEnd(t *testing.T) {
	ends := map[string]func(t *testing.T, m *gimlet.Manager, s *gimlet.Session){
		"destroy": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) },
		"revoke": func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) {
			require.NoError(t, m.Revoke(t.Context(), s.ID()))
		},
		"owner": func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) {
			n, err := m.RevokeOwner(t.Context(), "alice")
			require.NoError(t, err)
			require.Equal(t, 1, n)
		},
		"all":   func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) { require.NoError(t, m.RevokeAll(t.Context())) },
		"idle":  func(*testing.T, *gimlet.Manager, *gimlet.Session) { time.Sleep(time.Hour) },
		"close": func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) { require.NoError(t, m.Close()) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, gimlet.WithIdleTimeout(time.Hour))
				s := m.Begin(t.Context())
				require.NoError(t, s.Login(t.Context(), "alice"))
				require.NoError(t, s.Commit(t.Context()))
				token, err := s.Token()
				require.NoError(t, err)
				done := s.Done()
				for range 20 { // used by another request all the time
					time.Sleep(30 * time.Minute)
					other, err := m.Load(t.Context(), token)
					require.NoError(t, err)
					other.Set("n", time.Now())
					require.NoError(t, other.Commit(t.Context()))
				}
				synctest.Wait()
				require.False(t, closed(done))
				end(t, m, s)
				synctest.Wait()
				require.True(t, closed(done))
			})
		})
	}
}

// An end that another process brought about is noticed within 10 seconds.
func TestDone_otherProcess(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) error{
		"revoke": func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) error { return m.Revoke(t.Context(), s.ID()) },
		"all":    func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) error { return m.RevokeAll(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := keep{memory.New()}
				one, err := gimlet.New(shared)
				require.NoError(t, err)
				two, err := gimlet.New(shared)
				require.NoError(t, err)
				s := one.Begin(t.Context())
				s.Set("a", 1)
				require.NoError(t, s.Commit(t.Context()))
				done := s.Done()
				time.Sleep(time.Minute)
				require.False(t, closed(done))
				require.NoError(t, end(t, two, s))
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.True(t, closed(done))
				require.NoError(t, one.Close())
				require.NoError(t, two.Close())
			})
		})
	}
}

// A handler that serves a stream stops when the session ends, and its watch is
// forgotten with the request.
func TestDone_stream(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.on("/stream", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		done := s.Done()
		require.Equal(t, done, s.Done())
		require.NoError(t, http.NewResponseController(w).Flush())
		g.wait()
		select {
		case <-done:
			_, _ = w.Write([]byte("ended"))
		case <-r.Context().Done():
		}
	})
	site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
	site.do("/nobody", func(s *gimlet.Session) { require.False(t, closed(s.Done())) })
	b := site.browser()
	b.ok("/begin")
	p := overlap(b, g, "/stream", func() { b.ok("/logout") })
	require.Equal(t, "ended", p.body)
	b.ok("/nobody")
	require.Zero(t, gimlet.Watches(m))
}

// A session in the cookie alone ends for Done as well.
func TestDone_cookieOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithCookieOnly(2000), gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m)
		var ended time.Duration
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/wait", func(s *gimlet.Session) {
			began := time.Now()
			<-s.Done()
			ended = time.Since(began)
		})
		b := site.browser()
		b.ok("/begin")
		b.ok("/wait")
		require.Equal(t, time.Hour, ended)
	})
}

// After Hijack the handler returns and its goroutine goes on: the channel is
// closed with the session, or with the manager, all the same.
func TestDone_afterHijack(t *testing.T) {
	for _, end := range []string{"logout", "close"} {
		t.Run(end, func(t *testing.T) {
			m, err := gimlet.New(memory.New())
			require.NoError(t, err)
			site := newSite(t, m)
			ended := make(chan struct{})
			site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
			site.on("/socket", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				done := s.Done()
				conn, _, err := http.NewResponseController(w).Hijack()
				require.NoError(t, err)
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
				go func() {
					<-done
					_ = conn.Close()
					close(ended)
				}()
			})
			site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
			b := site.browser()
			b.ok("/begin")
			b.ok("/socket")
			require.False(t, closed(ended))
			if end == "logout" {
				b.ok("/logout")
				<-ended
			}
			require.NoError(t, m.Close())
			<-ended
		})
	}
}
