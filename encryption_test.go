package gimlet_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
)

// survives opens a manager on a store that outlives it, has it make or show a
// session with a client-side value, and closes it.
func survives(t *testing.T, shared store.Store, cookies []*http.Cookie, opts ...gimlet.Option) ([]*http.Cookie, bool) {
	t.Helper()
	m, err := gimlet.New(keep{shared}, opts...)
	require.NoError(t, err)
	site := newLocal(t, m)
	seen := false
	site.do("/set", func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) })
	site.do("/get", func(s *gimlet.Session) { seen = s.Has("c") })
	b := site.browser()
	if cookies == nil {
		b.ok("/set")
		cookies = b.cookies()
	} else {
		b.set(cookies...)
	}
	b.ok("/get")
	require.NoError(t, m.Close())
	return cookies, seen
}

// ringBytes is what the store has of the key ring.
func ringBytes(t *testing.T, shared store.Store) []byte {
	t.Helper()
	var ring []byte
	for r, err := range shared.List(t.Context(), "") {
		require.NoError(t, err)
		if r.ID.Reserved() && len(r.Data) > len(ring) {
			ring = bytes.Clone(r.Data)
		}
	}
	return ring
}

// With WithKeyEncryption the store alone opens nothing: the ring is sealed with
// a key that is not in it. The key can be changed, and a ring in the clear is
// sealed at the next start.
func TestKeyEncryption_sealsRing(t *testing.T) {
	one, two := gimlet.WithKeyEncryption(key(1)), gimlet.WithKeyEncryption(key(2), key(1))
	shared := memory.New()
	cookies, seen := survives(t, shared, nil)
	require.True(t, seen)
	clear := ringBytes(t, shared)
	require.EqualValues(t, 1, clear[0])

	_, seen = survives(t, shared, cookies, one)
	require.True(t, seen, "the keys are the same, now sealed")
	sealed := ringBytes(t, shared)
	require.EqualValues(t, 2, sealed[0])
	secret := clear[bytes.Index(clear, []byte{0x58, 0x20})+2:][:32]
	require.NotContains(t, string(sealed), string(secret))

	_, seen = survives(t, shared, cookies, two)
	require.True(t, seen)
	require.NotEqual(t, sealed[1:5], ringBytes(t, shared)[1:5], "sealed with the new key")
	_, seen = survives(t, shared, cookies, gimlet.WithKeyEncryption(key(2)))
	require.True(t, seen)
	for says, opts := range map[string][]gimlet.Option{
		"give its key with WithKeyEncryption":        nil,
		"a key that WithKeyEncryption was not given": {one},
	} {
		_, err := gimlet.New(keep{shared}, opts...)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, store.ErrCorrupt)
	}
}

// What is not a key, or contradicts WithKeys, is refused.
func TestKeyEncryption_refused(t *testing.T) {
	for says, opts := range map[string][]gimlet.Option{
		"WithKeyEncryption: key 1 has 5 bytes":     {gimlet.WithKeyEncryption([]byte("short"))},
		"WithKeyEncryption: give at least one key": {gimlet.WithKeyEncryption()},
		"there is no key ring to encrypt":          {gimlet.WithKeyEncryption(key(1)), gimlet.WithKeys(key(2))},
	} {
		_, err := gimlet.New(memory.New(), opts...)
		require.ErrorContains(t, err, says)
	}
}

// RevokeKeys removes the keys that were made before a time: what they sealed
// is nobody, here at once and in other processes within the refresh, also after
// a restart; keys made later stay.
func TestRevokeKeys_beforeDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New()
		open := func() (*gimlet.Manager, *site) {
			m, err := gimlet.New(keep{shared})
			require.NoError(t, err)
			site := newLocal(t, m)
			site.do("/set", func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) })
			site.on("/get", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
				if s.Has("c") {
					_, _ = w.Write([]byte("alive"))
				}
			})
			return m, site
		}
		one, here := open()
		two, there := open()
		b := here.browser()
		b.ok("/set")
		elsewhere := there.browser()
		elsewhere.set(b.cookies()...)
		require.Equal(t, "alive", elsewhere.ok("/get").body)
		made := time.Now()
		time.Sleep(time.Hour)

		require.NoError(t, one.RevokeKeys(t.Context(), made.Add(-time.Hour)))
		require.Equal(t, "alive", b.ok("/get").body, "no key was made before that")
		require.NoError(t, one.RevokeKeys(t.Context(), time.Now()))
		require.Empty(t, b.ok("/get").body)
		time.Sleep(11 * time.Second)
		require.Empty(t, elsewhere.ok("/get").body)
		b.ok("/set")
		require.Equal(t, "alive", b.ok("/get").body)
		elsewhere.set(b.cookies()...)
		require.Equal(t, "alive", elsewhere.ok("/get").body)
		require.NoError(t, one.RevokeKeys(t.Context(), made.Add(30*time.Minute)))
		require.Equal(t, "alive", b.ok("/get").body, "the new key was made after that")
		require.NoError(t, one.Close())
		require.NoError(t, two.Close())
	})
	require.ErrorContains(t, newManager(t, gimlet.WithKeys(key(1))).RevokeKeys(t.Context(), time.Now()), "WithKeys")
}

// What encrypted rings the store has cannot take each other's place: each is
// sealed for the record that it stands in.
func TestKeyEncryption_ringOfAnotherManager(t *testing.T) {
	shared := memory.New()
	open := func(name string) error {
		m, err := gimlet.New(keep{shared}, gimlet.WithKeyEncryption(key(1)), gimlet.WithName(name))
		if err == nil {
			err = m.Close()
		}
		return err
	}
	require.NoError(t, open("one"))
	one := ringBytes(t, shared)
	require.NoError(t, open("two"))
	for r, err := range shared.List(t.Context(), "") {
		require.NoError(t, err)
		r.Version++
		r.Data = one
		require.NoError(t, shared.Save(t.Context(), r))
	}
	require.NoError(t, open("one"))
	err := open("two")
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.ErrorContains(t, err, "it does not authenticate")
}

// A ring that was in the clear before it was encrypted stays in free pages of
// the file, and in its backups, until Compact writes the file anew; so does
// what ended sessions had.
func TestKeyEncryption_compactForgets(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	private := []byte("what nobody is to read any more")
	var clear []byte
	var token string
	withFile(t, path, func(m *gimlet.Manager) {
		clear = gimlet.RingKeys(m)[0]
		s := m.Begin(t.Context())
		s.Set("private", bytes.Repeat(private, 10_000))
		require.NoError(t, s.Commit(t.Context()))
		var err error
		token, err = s.Token()
		require.NoError(t, err)
	}, gimlet.WithCompression(gimlet.CompressionNone))
	withFile(t, path, func(m *gimlet.Manager) {
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		require.NoError(t, s.Destroy(t.Context()))
		_, err = m.Sweep(t.Context())
		require.NoError(t, err)
	})
	clearFile, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Contains(clearFile, clear))
	file := bolt.Open(path)
	m, err := gimlet.New(file, gimlet.WithKeyEncryption(key(1)))
	require.NoError(t, err)
	backup := func() []byte {
		var b bytes.Buffer
		_, err := file.Backup(&b)
		require.NoError(t, err)
		return b.Bytes()
	}
	// The page that had the ring may have been used again by now; those of the
	// session are too many for that. A backup has no pages that are free.
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Contains(before, private))
	require.False(t, bytes.Contains(backup(), private))
	require.NoError(t, file.Compact(t.Context()))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.False(t, bytes.Contains(after, private))
	require.False(t, bytes.Contains(backup(), clear))
	require.NoError(t, m.RevokeKeys(t.Context(), time.Now().Add(time.Minute)))
	require.NoError(t, m.Close())
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.False(t, bytes.Contains(left, clear))
}
