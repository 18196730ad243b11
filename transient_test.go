package gimlet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Transient values, on either side, end with the browser session. They ride on
// a second cookie without expiry, sent only if it is used; one record, one load.
func TestTransient_endsWithBrowser(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/plain", func(s *gimlet.Session) { s.Set("stays", 1) })
	site.do("/set", func(s *gimlet.Session) {
		s.Set("st", "server", gimlet.Transient)
		s.Set("ct", "client", gimlet.Transient|gimlet.ClientSide)
	})
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := site.browser()
	require.Len(t, b.ok("/plain").Header["Set-Cookie"], 1)
	lines := b.ok("/set").setCookie("__Host-id.t=")
	require.Len(t, lines, 1)
	require.NotContains(t, lines[0], "Max-Age")
	require.NotContains(t, lines[0], "Expires")
	loads := m.Stats().Loads
	p := b.ok("/keys")
	require.Equal(t, []string{"ct", "st", "stays"}, keys)
	require.Empty(t, p.Header["Set-Cookie"])
	require.Equal(t, loads+1, m.Stats().Loads)
	require.Equal(t, 1, records(t, m))

	b.restart()
	b.ok("/keys")
	require.Equal(t, []string{"stays"}, keys)

	// A new run of the browser has its own transient values, and the next
	// write leaves nothing of the old ones behind.
	b.ok("/set")
	b.ok("/keys")
	require.Equal(t, []string{"ct", "st", "stays"}, keys)
}

// The second cookie goes when its last value does.
func TestTransient_cookieGoes(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/set", func(s *gimlet.Session) { s.Set("ct", 1, gimlet.Transient|gimlet.ClientSide) })
	site.do("/delete", func(s *gimlet.Session) { s.Delete("ct") })
	b := site.browser()
	b.ok("/set")
	require.Len(t, b.cookies(), 2)
	b.ok("/delete")
	require.Len(t, b.cookies(), 1)
}

// Another session's second cookie means nothing.
func TestTransient_belongsToItsSession(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/set", func(s *gimlet.Session) {
		s.Set("st", 1, gimlet.Transient)
		s.Set("ct", 1, gimlet.Transient|gimlet.ClientSide)
		s.Set("sp", 1)
	})
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	a, b := site.browser(), site.browser()
	a.ok("/set")
	b.ok("/set")
	mixed := site.browser()
	mixed.take(a, "__Host-id")
	mixed.take(b, "__Host-id.t")
	mixed.ok("/keys")
	require.Equal(t, []string{"sp"}, keys)
}
