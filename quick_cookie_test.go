package gimlet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// On client-side values Quick means nothing: they get their cookie, also when
// only Quick values change with them, and when they move to the server.
func TestQuick_clientSideValues(t *testing.T) {
	site := newLocal(t, newManager(t)).begins()
	site.do("/client", func(s *gimlet.Session) { s.Set("c", 1, gimlet.Quick|gimlet.ClientSide) })
	site.do("/both", func(s *gimlet.Session) {
		s.Set("c", 2, gimlet.Quick|gimlet.ClientSide)
		s.Set("s", 2, gimlet.Quick)
	})
	site.do("/transient", func(s *gimlet.Session) { s.Set("t", 3, gimlet.Quick|gimlet.Transient) })
	site.do("/move", func(s *gimlet.Session) { s.Set("c", 4, gimlet.Quick) })
	site.do("/read", func(s *gimlet.Session) {
		require.Equal(t, 4, s.Get("c"))
		require.Nil(t, s.Get("c", gimlet.ClientSide))
		require.Equal(t, 2, s.Get("s"))
		require.Equal(t, 3, s.Get("t"))
	})
	var got any
	site.do("/c", func(s *gimlet.Session) { got = s.Get("c", gimlet.ClientSide) })
	b, _ := site.strictBrowser()
	b.ok("/set")
	for i, path := range []string{"/client", "/both"} {
		b.ok(path)
		b.ok("/c")
		require.Equal(t, i+1, got, path)
	}
	b.ok("/transient")
	b.ok("/move")
	b.ok("/read")
}

// A session whose only use is Quick changes does not end of idleness: now and
// then the cookie is sent again, as with any other use.
func TestQuick_movesTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m).begins()
		n := 0
		site.do("/quick", func(s *gimlet.Session) {
			require.Equal(t, 5, s.Get("n"), "after %d minutes", n)
			n++
			s.Set("q", n, gimlet.Quick)
		})
		b, _ := site.strictBrowser()
		b.ok("/set")
		for range 180 {
			time.Sleep(time.Minute)
			b.ok("/quick")
		}
		require.Greater(t, m.Stats().Quick, uint64(140))
	})
}
