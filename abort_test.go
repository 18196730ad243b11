package gimlet_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// If the session fails after part of the response has left, the connection is
// aborted rather than a half page completed: the client sees that it broke.
func TestAbort_failureAfterTheHeaders(t *testing.T) {
	tests := map[string]func(t *testing.T, m *gimlet.Manager, disk *breakable, s *gimlet.Session){
		"the save fails": func(_ *testing.T, _ *gimlet.Manager, disk *breakable, s *gimlet.Session) {
			s.Set("n", 2)
			disk.saves.set(errDisk)
		},
		"a Commit failed": func(t *testing.T, _ *gimlet.Manager, disk *breakable, s *gimlet.Session) {
			disk.saves.set(errDisk)
			s.Set("n", 2)
			require.ErrorIs(t, s.Commit(t.Context()), errDisk)
		},
		"the load fails": func(t *testing.T, _ *gimlet.Manager, disk *breakable, s *gimlet.Session) {
			disk.loads.set(errDisk)
			require.Nil(t, s.Get("n"))
			require.ErrorIs(t, s.Err(), errDisk)
		},
		"it ended meanwhile": func(t *testing.T, m *gimlet.Manager, _ *breakable, s *gimlet.Session) {
			s.Set("n", 2)
			require.NoError(t, m.Revoke(t.Context(), s.ID()))
		},
		"a value cannot be encoded": func(_ *testing.T, _ *gimlet.Manager, _ *breakable, s *gimlet.Session) {
			s.Set("n", make(chan int))
		},
	}
	for name, fail := range tests {
		for _, http2 := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				disk := newBreakable()
				m := newManagerOn(t, disk)
				var failure error
				site := newSiteInside(t, m, http2, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							v := recover()
							if r.URL.Path == "/page" {
								failure, _ = v.(error)
							}
							if v != nil {
								panic(v)
							}
						}()
						next.ServeHTTP(w, r)
					})
				})
				site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
				site.on("/page", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "first half")
					w.(http.Flusher).Flush()
					fail(t, m, disk, s)
					_, _ = io.WriteString(w, "second half")
				})
				b := site.browser()
				b.ok("/begin")
				resp, err := b.client.Get(site.URL + "/page")
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, http2, resp.ProtoMajor == 2)
				_, err = io.ReadAll(resp.Body)
				require.Error(t, err)
				require.Equal(t, http.ErrAbortHandler, failure)
			})
		}
	}
}

// A warning costs its operation alone: the page is completed.
func TestAbort_notForAWarning(t *testing.T) {
	site := newSite(t, newManager(t)).on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first half, ")
		w.(http.Flusher).Flush()
		s.Set("n", 1)
		require.ErrorIs(t, s.Err(), gimlet.ErrHeadersSent)
		_, _ = io.WriteString(w, "second half")
	})
	require.Equal(t, "first half, second half", site.browser().ok("/").body)
}

// A panic in the handler saves nothing and goes on panicking with the same
// value, http.ErrAbortHandler too.
func TestAbort_panicSavesNothing(t *testing.T) {
	for _, value := range []any{"a string", errors.New("an error"), http.ErrAbortHandler} {
		m := newManager(t)
		cookies := begun(t, m)
		before := m.Stats()
		var session *gimlet.Session
		w := httptest.NewRecorder()
		require.PanicsWithValue(t, value, func() {
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				session = gimlet.From(r)
				session.Set("n", 1)
				session.Set("c", 1, gimlet.ClientSide)
				require.NoError(t, session.Login(r.Context(), "ann"))
				w.Header().Set("X-Handler", "was here")
				panic(value)
			})).ServeHTTP(w, request(cookies))
		})
		after := m.Stats()
		require.Equal(t, before.Saves+before.Deletes+before.Touches, after.Saves+after.Deletes+after.Touches)
		require.Equal(t, before.Store.Saves, after.Store.Saves)
		require.Equal(t, before.Failures, after.Failures)
		require.NotContains(t, w.Header(), "Set-Cookie")
		require.Empty(t, w.Body.String())
	}
}

// A panic after the headers saves nothing of what came after them.
func TestAbort_panicAfterTheHeaders(t *testing.T) {
	m := newManager(t)
	cookies := begun(t, m)
	require.Panics(t, func() {
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			gimlet.From(r).Set("n", 1)
			w.WriteHeader(http.StatusOK)
			gimlet.From(r).Set("n", 2)
			panic("too late")
		})).ServeHTTP(httptest.NewRecorder(), request(cookies))
	})
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(t, 1, gimlet.From(r).Get("n"))
	})).ServeHTTP(httptest.NewRecorder(), request(cookies))
}
