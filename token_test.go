package gimlet

import (
	"math/bits"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// Secrets are all different, and every bit is as often one as zero.
func TestLong_secretsAreRandom(t *testing.T) {
	n := long(100_000, 1_000_000)
	var ones [len(secret{}) * 8]int
	seen := make(map[secret]bool, n)
	for range n {
		s := newSecret()
		seen[s] = true
		for i := range ones {
			ones[i] += int(s[i/8] >> (i % 8) & 1)
		}
	}
	require.Len(t, seen, n)
	for i, count := range ones {
		require.InDelta(t, n/2, count, float64(n)/100, "bit %d", i)
	}
}

// A digest is equal to itself alone.
func TestDigest_equal(t *testing.T) {
	d := newSecret().digest()
	require.True(t, d.equal(d))
	for bit := range 8 * len(d) {
		other := d
		other[bit/8] ^= 1 << (bit % 8)
		require.False(t, d.equal(other))
		require.Equal(t, 1, bits.OnesCount8(d[bit/8]^other[bit/8]))
	}
}

// The next secret comes out of its box with the old one, and with no other.
func TestPrevious_box(t *testing.T) {
	old, next := newSecret(), newSecret()
	box := next.xor(pad(old))
	require.NotEqual(t, next, box)
	require.Equal(t, next, box.xor(pad(old)))
	require.NotEqual(t, next, box.xor(pad(newSecret())))
	require.NotEqual(t, next, box.xor(old), "the pad is not the secret")
	digest := old.digest()
	require.NotEqual(t, next, box.xor(secret(digest[:16])), "nor what the file holds")
}

// collide makes a manager's next IDs all the same, n times.
func collide(m *Manager, n int) {
	id := store.NewID(time.Now())
	m.newID = func(now time.Time) store.ID {
		if n--; n >= 0 {
			return id
		}
		return store.NewID(now)
	}
}

func managerInside(t testing.TB, opts ...Option) *Manager {
	t.Helper()
	m, err := New(memory.New(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// Should an ID ever repeat, the second session gets another one, and nothing
// of the first is touched or shown.
func TestToken_collision(t *testing.T) {
	m := managerInside(t)
	collide(m, 3)
	first, second := m.Begin(t.Context()), m.Begin(t.Context())
	require.Equal(t, first.ID(), second.ID())
	first.Set("who", "first")
	second.Set("and", "second")
	require.NoError(t, first.Commit(t.Context()))
	id := first.ID()
	require.NoError(t, second.Commit(t.Context()))
	require.Equal(t, id, first.ID())
	require.NotEqual(t, id, second.ID())
	require.NotEqual(t, first.token.secret, second.token.secret)
	for s, want := range map[*Session]string{first: "who", second: "and"} {
		token, err := s.Token()
		require.NoError(t, err)
		loaded, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, []string{want}, loaded.Keys())
	}
}

// The same in a request: the cookie names the ID that the session got.
func TestToken_collisionInARequest(t *testing.T) {
	m := managerInside(t)
	collide(m, 3)
	visit := func(cookies []*http.Cookie, f func(s *Session)) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(From(r)) })).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		return w.Result().Cookies()
	}
	set := func(name string) []*http.Cookie {
		return visit(nil, func(s *Session) {
			s.Set(name, 1)
			s.Set("c"+name, 1, ClientSide)
			s.Set("t"+name, 1, ClientSide|Transient)
		})
	}
	first, second := set("a"), set("b")
	var ids []store.ID
	for cookies, want := range map[*[]*http.Cookie][]string{&first: {"a", "ca", "ta"}, &second: {"b", "cb", "tb"}} {
		visit(*cookies, func(s *Session) {
			require.Equal(t, want, s.Keys())
			ids = append(ids, s.ID())
		})
	}
	require.NotEqual(t, ids[0], ids[1])
}

// If every ID is taken the session fails; it never takes over another one.
func TestToken_collisionForEver(t *testing.T) {
	m := managerInside(t)
	collide(m, 1<<30)
	first, second := m.Begin(t.Context()), m.Begin(t.Context())
	first.Set("who", "first")
	second.Set("who", "second")
	require.NoError(t, first.Commit(t.Context()))
	require.ErrorIs(t, second.Commit(t.Context()), store.ErrConflict)
	require.Nil(t, second.Get("who"))
	token, err := first.Token()
	require.NoError(t, err)
	loaded, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "first", loaded.Get("who"))
}

// A payload that is sealed well but names a reserved ID is no session, so that
// nobody reads or writes the manager's own records through one.
func TestToken_reservedIDs(t *testing.T) {
	m := managerInside(t)
	now := time.Now()
	for _, id := range []store.ID{{}, reservedID("default", "key ring"), reservedID("default", "generation")} {
		s := m.Begin(t.Context())
		s.token.id = id
		p := s.payload(&s.state)
		for _, stored := range []bool{true, false} {
			p.set(flagStored, stored)
			sealed, err := m.tokens.seal(p.append(nil), now)
			require.NoError(t, err)
			_, err = m.Load(t.Context(), sealed)
			require.ErrorIs(t, err, ErrNoSession)

			sealed, err = m.cookies.main.sealer.seal(p.append(nil), now)
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
			r.Header.Set("Cookie", "__Host-id=1"+sealed)
			loads := m.Stats().Store.Loads
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				require.Zero(t, From(r).ID())
				require.Empty(t, From(r).Keys())
			})).ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, loads, m.Stats().Store.Loads)
		}
	}
}
