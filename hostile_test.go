package gimlet_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A remote store is one that holds up, or refuses, the loads of what managers
// keep for themselves while it is told to.
type remote struct {
	store.Store
	mu   sync.Mutex
	load func() error
}

func (r *remote) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r.mu.Lock()
	load := r.load
	r.mu.Unlock()
	if id.Reserved() && load != nil {
		if err := load(); err != nil {
			return store.Record{}, err
		}
	}
	return r.Store.Load(ctx, id)
}

func (r *remote) set(load func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.load = load
}

// A session of a generation that this process has not heard of is taken for
// revoked by no request: all wait for the one that asks the store, and fail
// with it.
func TestRevoke_newerGeneration(t *testing.T) {
	newer := func(t *testing.T) (*remote, *site, string) {
		shared := &remote{Store: memory.New()}
		opts := []gimlet.Option{gimlet.WithKeys(key(1))}
		here := newManagerOn(t, shared, opts...)
		line := ""
		run(t, shared, func(m *gimlet.Manager, site *site) {
			require.NoError(t, m.RevokeAll(t.Context()))
			line = site.ask("/set").line()
		}, opts...)
		return shared, newLocal(t, here).begins(), line
	}
	t.Run("waits", func(t *testing.T) {
		shared, site, line := newer(t)
		g := newGate()
		shared.set(func() error { g.wait(); return nil })
		answers := make(chan page, 2)
		ask := func() { answers <- site.ask("/get", line) }
		go ask()
		<-g.reached
		go ask()
		select {
		case <-answers:
			require.Fail(t, "it has not waited")
		case <-time.After(20 * time.Millisecond):
		}
		close(g.open)
		for range 2 {
			require.Equal(t, "five", (<-answers).body)
		}
	})
	t.Run("fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			shared, site, line := newer(t)
			shared.set(func() error { return errDisk })
			for range 2 {
				require.Equal(t, http.StatusServiceUnavailable, site.ask("/get", line).StatusCode)
			}
			shared.set(nil)
			time.Sleep(10 * time.Second)
			require.Equal(t, "five", site.ask("/get", line).body)
		})
	})
}

// Destroy ends a session whose record is lost, too: what its cookie carries is
// seen no more, wherever copies of it are.
func TestDestroy_withoutRecord(t *testing.T) {
	var cookies []*http.Cookie
	routes := func(m *gimlet.Manager) *site {
		site := members(t, m, newLocal)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("theme", "dark", gimlet.ClientSide) })
		return site
	}
	opts := []gimlet.Option{gimlet.WithKeys(key(1))}
	b := routes(newManager(t, opts...)).browser()
	b.ok("/begin")
	cookies = b.cookies()

	b = routes(newManager(t, opts...)).browser() // a store that has lost it
	b.set(cookies...)
	thief := b.steal()
	require.Equal(t, "dark", b.ok("/theme").body)
	b.ok("/logout")
	require.Empty(t, b.cookies())
	require.Empty(t, thief.ok("/theme").body)
}

// After a scheduled renewal and its grace the old cookie shows nothing, client-side
// values included, and changes nothing. Until a renewal is due, working on
// client-side values costs no I/O.
func TestRenewal_oldCookieShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithRenewal(10*time.Minute, time.Minute))
		site := newLocal(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1); s.Set("c", 2, gimlet.ClientSide) })
		site.do("/change", func(s *gimlet.Session) { s.Set("c", s.Get("c").(int)+1, gimlet.ClientSide) })
		var c any
		site.do("/read", func(s *gimlet.Session) { c = s.Get("c") })
		b := site.browser()
		b.ok("/begin")
		before := m.Stats()
		b.ok("/read")
		b.ok("/change")
		require.Equal(t, before.Loads, m.Stats().Loads)
		require.Equal(t, before.Saves, m.Stats().Saves)
		old := b.steal()
		time.Sleep(11 * time.Minute)
		require.NotEmpty(t, b.ok("/read").setCookie("__Host-id="))
		time.Sleep(2 * time.Minute)
		require.Empty(t, old.ok("/read").setCookie("__Host-id="))
		require.Nil(t, c)
		b.ok("/read")
		require.Equal(t, 3, c)
	})
}

// Token gives out none that the renewal at the end of the same request makes
// stale: it asks for a Commit, and what it gives then is good.
func TestRenewal_token(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithRenewal(10*time.Minute, time.Minute))
		site := newLocal(t, m)
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		token := ""
		site.do("/token", func(s *gimlet.Session) {
			_, err := s.Token()
			require.ErrorContains(t, err, "Commit")
			require.NoError(t, s.Commit(t.Context()))
			token, err = s.Token()
			require.NoError(t, err)
		})
		b := site.browser()
		b.ok("/begin")
		time.Sleep(11 * time.Minute)
		b.ok("/token")
		time.Sleep(2 * time.Minute)
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, 1, s.Get("a"))
	})
}

// Printing a request's context shows no secret of its session, by any verb that
// takes it.
func TestDump_context(t *testing.T) {
	site := newLocal(t, newManager(t))
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", "sentinel") })
	site.on("/print", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		require.Equal(t, "sentinel", s.Get("a"))
		inHex := gimlet.SecretOf(s)
		secret, err := hex.DecodeString(inHex)
		require.NoError(t, err)
		forms := []string{
			inHex, strings.ToUpper(inHex), string(secret),
			strings.Trim(fmt.Sprint(secret), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}"),
			"sentinel", hex.EncodeToString([]byte("sentinel")),
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t"} {
			for _, v := range []any{r.Context(), context.WithValue(r.Context(), contextKey{}, 1)} {
				text := fmt.Sprintf(verb, v)
				for _, form := range forms {
					require.NotContains(t, text, form, verb)
				}
			}
		}
	})
	b := site.browser()
	b.ok("/begin")
	b.ok("/print")
}

type contextKey struct{}

// A cookie is bound to what the request said when it came in: a handler that
// changes the headers does not lock the client out.
func TestWithBinding_changedHeaders(t *testing.T) {
	site := newSite(t, newManager(t, gimlet.WithBinding(func(r *http.Request) string { return r.Header.Get("User-Agent") })))
	var a any
	site.on("/begin", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		s.Set("a", 1)
		r.Header.Set("User-Agent", "normalized")
	})
	site.do("/read", func(s *gimlet.Session) { a = s.Get("a") })
	b := site.browser()
	b.ok("/begin")
	b.ok("/read")
	require.Equal(t, 1, a)
}

// Two logins of one request as different owners: the second one has nothing of
// the first.
func TestLogin_twiceInOneRequest(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	require.NoError(t, s.Login(t.Context(), "alice"))
	s.Set("card", "alice's")
	require.NoError(t, s.Login(t.Context(), "bob"))
	require.NoError(t, s.Commit(t.Context()))
	require.Equal(t, "bob", s.Owner())
	require.Zero(t, s.Len())
	require.Equal(t, 1, records(t, m))
}

// A panickingCodec does so when it decodes, once it is told to.
type panickingCodec struct {
	gimlet.Codec
	on *bool
}

func (c panickingCodec) Unmarshal(b []byte, v any) error {
	if *c.on {
		panic("codec")
	}
	return c.Codec.Unmarshal(b, v)
}

// A codec that panics inside All leaves a session that can still be used.
func TestSession_panicInsideAll(t *testing.T) {
	on := false
	m := newManager(t, gimlet.WithCodec(panickingCodec{gimlet.CBOR(), &on}))
	s := m.Begin(t.Context())
	s.Set("a", struct{ A int }{1})
	on = true
	require.PanicsWithValue(t, "codec", func() {
		for range s.All() {
			continue
		}
	})
	used := make(chan bool)
	go func() { used <- s.Has("a") }()
	select {
	case has := <-used:
		require.True(t, has)
	case <-time.After(5 * time.Second):
		require.Fail(t, "the session is locked")
	}
}
