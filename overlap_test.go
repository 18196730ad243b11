package gimlet_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Requests that run at the same time never share a session object, those of
// one session neither; each user sees only what is theirs.
func TestOverlap_sessionsAreNotShared(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	var mu sync.Mutex
	seen := map[*gimlet.Session]bool{} // they are kept, so that no address is used twice
	site.on("/set", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		shared := seen[s]
		seen[s] = true
		mu.Unlock()
		if shared {
			panic("a session object was shared")
		}
		s.Set("user", r.FormValue("user"))
		s.Set("n", 1, gimlet.ClientSide)
	})
	site.on("/check", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		if s.Get("user") != r.FormValue("user") {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	var users sync.WaitGroup
	for user := range 8 {
		b := site.browser()
		users.Go(func() {
			name := strconv.Itoa(user)
			for range 10 {
				if b.get("/set?user="+name).StatusCode != 200 || b.get("/check?user="+name).StatusCode != 200 {
					t.Error("a user saw what is another's")
				}
			}
		})
	}
	users.Wait()
	require.Len(t, seen, 80)
}

// A goroutine that keeps the session after its request may read it, and may
// save server-side changes with Commit; what needs a cookie is refused. What
// it does not commit is not saved.
func TestOverlap_outlivesItsRequest(t *testing.T) {
	for _, touched := range []bool{true, false} {
		m := newManagerOn(t, newBreakable())
		var kept *gimlet.Session
		site := newSite(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
		answered := make(chan struct{})
		finished := make(chan error, 1)
		site.on("/work", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			if touched {
				s.Set("before", 1)
			}
			kept = s
			go func() {
				<-answered
				<-r.Context().Done()
				s.Set("n", s.Get("n").(int)+1)
				s.Set("c", 1, gimlet.ClientSide)
				finished <- s.Commit(context.WithoutCancel(r.Context()))
				s.Set("never", 1)
			}()
		})
		site.do("/check", func(s *gimlet.Session) {
			require.Equal(t, 2, s.Get("n"))
			require.Equal(t, touched, s.Has("before"))
			require.False(t, s.Has("c"))
			require.False(t, s.Has("never"))
		})
		b := site.browser()
		b.ok("/begin")
		b.ok("/work")
		close(answered)
		require.NoError(t, <-finished)
		require.ErrorIs(t, kept.Err(), gimlet.ErrHeadersSent)
		b.ok("/check")
	}
}

// A client that went away does not keep the work of the handler from being
// saved, whenever the handler comes to it.
func TestOverlap_clientWentAway(t *testing.T) {
	tests := map[string]func(s *gimlet.Session, leave func()){
		"before the first access": func(s *gimlet.Session, leave func()) {
			leave()
			s.Set("n", s.Get("n").(int)+1)
		},
		"before the change": func(s *gimlet.Session, leave func()) {
			n := s.Get("n").(int)
			leave()
			s.Set("n", n+1)
		},
		"before the save": func(s *gimlet.Session, leave func()) {
			s.Set("n", s.Get("n").(int)+1)
			leave()
		},
	}
	for name, work := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManagerOn(t, newBreakable())
			cookies := begun(t, m)
			ctx, leave := context.WithCancel(t.Context())
			w := httptest.NewRecorder()
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				work(gimlet.From(r), leave)
			})).ServeHTTP(w, request(cookies).WithContext(ctx))
			require.Equal(t, http.StatusOK, w.Code)
			resp := answer(m, "https://example.test/", cookies, func(s *gimlet.Session) { require.Equal(t, 1, s.Get("n")) })
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Zero(t, m.Stats().Failures)
		})
	}
}
