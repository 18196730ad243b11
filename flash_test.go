package gimlet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Flash messages are read once, in order, by queue; duplicates are kept, and
// messages of later requests are appended.
func TestFlash_queues(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/one", func(s *gimlet.Session) {
		s.Flash("", "first")
		s.Flash("", "first")
		s.Flash("error", 42)
	})
	site.do("/two", func(s *gimlet.Session) { s.Flash("", "second") })
	site.do("/peek", func(s *gimlet.Session) {
		require.Equal(t, []any{"first", "first", "second"}, s.PeekFlashes(""))
	})
	site.do("/read", func(s *gimlet.Session) {
		require.Equal(t, []any{"first", "first", "second"}, s.Flashes(""))
		require.Empty(t, s.Flashes(""))
		require.Equal(t, []any{42}, s.PeekFlashes("error"))
		s.Flash("", "third")
		require.Equal(t, []any{"third"}, s.PeekFlashes(""))
		require.Zero(t, s.Len())
	})
	site.do("/third", func(s *gimlet.Session) {
		require.Equal(t, []any{"third"}, s.Flashes(""))
		require.Equal(t, []any{42}, s.Flashes("error"))
	})
	site.do("/empty", func(s *gimlet.Session) {
		require.Empty(t, s.Flashes(""))
		require.Empty(t, s.Flashes("error"))
	})
	b := site.browser()
	for _, path := range []string{"/one", "/two", "/peek", "/peek", "/read", "/third", "/empty"} {
		b.ok(path)
	}
}

// FlashOnce adds no message that waits already.
func TestFlash_once(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/", func(s *gimlet.Session) {
		s.FlashOnce("q", "a")
		s.FlashOnce("q", "b")
		s.FlashOnce("q", "a")
		require.Equal(t, []any{"a", "b"}, s.PeekFlashes("q"))
	})
	b := site.browser()
	b.ok("/")
	b.ok("/")
}

// Looking for messages where there are none begins no session and writes
// nothing; a message that cannot be encoded is an error that names the queue.
func TestFlash_edges(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.do("/none", func(s *gimlet.Session) { require.Empty(t, s.Flashes("")) })
	site.do("/bad", func(s *gimlet.Session) {
		s.Flash("q", func() {})
		require.ErrorContains(t, s.Err(), "flash q")
	})
	b := site.browser()
	require.Empty(t, b.ok("/none").Header["Set-Cookie"])
	require.Zero(t, m.Stats().Saves)
	require.Equal(t, 500, b.get("/bad").StatusCode)
}
