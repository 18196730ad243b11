package gimlet_test

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// overlap runs slow, and fast from beginning to end while slow is in its
// handler. It returns the answer to slow.
func overlap(b *browser, g *gate, slow string, fast func()) page {
	answer := make(chan page)
	go func() { answer <- b.get(slow) }()
	<-g.reached
	fast()
	close(g.open)
	return <-answer
}

// Two requests that change different keys of one session at the same time both
// keep their change.
func TestConcurrent_differentKeysBothKept(t *testing.T) {
	site := newSite(t, newManager(t))
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 0) })
	site.do("/slow", func(s *gimlet.Session) {
		s.Set("a", 1)
		g.wait()
	})
	site.do("/fast", func(s *gimlet.Session) { s.Set("b", 2) })
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, 1, s.Get("a"))
		require.Equal(t, 2, s.Get("b"))
	})
	b := site.browser()
	b.ok("/begin")
	p := overlap(b, g, "/slow", func() { b.ok("/fast") })
	require.Equal(t, http.StatusOK, p.StatusCode)
	b.ok("/check")
}

// Deleting, clearing and the first values of a session without a record are
// applied to the newest version too.
func TestConcurrent_everyKindOfChange(t *testing.T) {
	tests := map[string]struct {
		begin, slow, fast func(s *gimlet.Session)
		want              []string
	}{
		"delete beside set": {
			func(s *gimlet.Session) { s.Set("a", 1); s.Set("b", 1) },
			func(s *gimlet.Session) { s.Delete("a") },
			func(s *gimlet.Session) { s.Set("c", 1) },
			[]string{"b", "c"},
		},
		"clear wins over what it has not seen": {
			func(s *gimlet.Session) { s.Set("a", 1) },
			func(s *gimlet.Session) { s.Clear(); s.Set("z", 1) },
			func(s *gimlet.Session) { s.Set("b", 1) },
			[]string{"z"},
		},
		"two first records": {
			func(s *gimlet.Session) { s.Set("theme", 1, gimlet.ClientSide) },
			func(s *gimlet.Session) { s.Set("a", 1) },
			func(s *gimlet.Session) { s.Set("b", 1) },
			[]string{"a", "b", "theme"},
		},
		"two transient firsts": {
			func(s *gimlet.Session) { s.Set("a", 1) },
			func(s *gimlet.Session) { s.Set("t", 1, gimlet.Transient) },
			func(s *gimlet.Session) { s.Set("u", 1, gimlet.Transient) },
			[]string{"a", "t", "u"},
		},
		"flashes": {
			func(s *gimlet.Session) { s.Flash("", 1) },
			func(s *gimlet.Session) { s.Flash("", 2); s.Set("two", 2) },
			func(s *gimlet.Session) { s.Flashes(""); s.Flash("", 3); s.Set("three", 3) },
			[]string{"three", "two"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, newManager(t))
			g := newGate()
			site.do("/begin", test.begin)
			site.do("/slow", func(s *gimlet.Session) { test.slow(s); g.wait() })
			site.do("/fast", test.fast)
			var keys []string
			var flashes []any
			site.do("/check", func(s *gimlet.Session) { keys = s.Keys(); flashes = s.PeekFlashes("") })
			b := site.browser()
			b.ok("/begin")
			p := overlap(b, g, "/slow", func() { b.ok("/fast") })
			require.Equal(t, http.StatusOK, p.StatusCode)
			b.ok("/check")
			require.Equal(t, test.want, keys)
			if name == "flashes" {
				require.Equal(t, []any{3, 2}, flashes)
			}
		})
	}
}

// 100 goroutines times 100 Updates give 10,000.
func TestConcurrent_updatesAreAtomic(t *testing.T) {
	updateTogether(t, newManager(t), 100, 100)
}

// The same on the durable store, where every Update is a commit.
func TestConcurrent_durableUpdatesAreAtomic(t *testing.T) {
	withFile(t, t.TempDir()+"/sessions.db", func(m *gimlet.Manager) { updateTogether(t, m, 100, 5) })
}

func updateTogether(t *testing.T, m *gimlet.Manager, goroutines, times int) {
	counter := gimlet.NewKey[int]("counter")
	s := m.Begin(t.Context())
	counter.Set(s, 0)
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range times {
				s, err := m.Load(t.Context(), token)
				if err == nil {
					counter.Update(s, func(n int) int {
						runtime.Gosched() // let another in, also on one processor
						return n + 1
					})
					err = s.Commit(t.Context())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s, err = m.Load(t.Context(), token)
	require.NoError(t, err)
	n, _ := counter.Get(s)
	require.Equal(t, goroutines*times, n)
	require.NotZero(t, m.Stats().Conflicts, "the updates did not overlap: the test shows nothing")
}

// The same through HTTP, with different keys beside the counter.
func TestConcurrent_requestsKeepEverything(t *testing.T) {
	site := newSite(t, newManager(t))
	counter := gimlet.NewKey[int]("counter")
	site.do("/begin", func(s *gimlet.Session) { counter.Set(s, 0) })
	site.on("/add", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		counter.Update(s, func(n int) int { return n + 1 })
		s.Set(r.FormValue("key"), true)
	})
	site.do("/check", func(s *gimlet.Session) {
		n, _ := counter.Get(s)
		require.Equal(t, 64, n)
		require.Equal(t, 65, s.Len())
	})
	b := site.browser()
	b.ok("/begin")
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() { b.get("/add?key=k" + strconv.Itoa(i)) })
	}
	wg.Wait()
	b.ok("/check")
}

// A logout is never undone by a slower request: the save reports ErrGone,
// nothing is written, and no cookie revives the session.
func TestConcurrent_logoutIsNotUndone(t *testing.T) {
	slows := map[string]func(s *gimlet.Session){
		"writes server-side": func(s *gimlet.Session) { s.Set("a", 2) },
		"writes client-side": func(s *gimlet.Session) { s.Set("theme", "light", gimlet.ClientSide) },
		"renews":             func(s *gimlet.Session) { _ = s.Renew(t.Context()) },
		"only reads":         func(s *gimlet.Session) { s.Get("a") },
	}
	for name, slow := range slows {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			site := newSite(t, m)
			g := newGate()
			var err error
			site.do("/begin", func(s *gimlet.Session) {
				s.Set("a", 1)
				s.Set("theme", "dark", gimlet.ClientSide)
			})
			site.do("/slow", func(s *gimlet.Session) {
				slow(s)
				g.wait()
				err = s.Commit(t.Context())
			})
			site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
			site.do("/who", func(s *gimlet.Session) {
				require.Zero(t, s.Len())
				require.Nil(t, s.Get("theme"))
				require.Zero(t, s.ID())
			})
			b := site.browser()
			b.ok("/begin")
			thief := b.steal()
			p := overlap(b, g, "/slow", func() { b.ok("/logout") })
			if name == "only reads" {
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, p.StatusCode)
			} else {
				require.ErrorIs(t, err, gimlet.ErrGone)
				require.Equal(t, http.StatusConflict, p.StatusCode)
			}
			require.Empty(t, p.Header["Set-Cookie"])
			require.Zero(t, records(t, m))
			b.ok("/who")
			thief.ok("/who")
		})
	}
}
