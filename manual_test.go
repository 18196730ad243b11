package gimlet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// WithManualCommit: what was not committed when the request ends is forgotten,
// and leaves no cookie and no record.
func TestManualCommit_forgets(t *testing.T) {
	m := newManager(t, gimlet.WithManualCommit(true))
	site := newSite(t, m)
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/commit", func(s *gimlet.Session) {
		s.Set("a", 1)
		s.Set("c", 1, gimlet.ClientSide)
		require.NoError(t, s.Commit(t.Context()))
		s.Set("b", 2)
		s.Set("c", 2, gimlet.ClientSide)
	})
	site.do("/change", func(s *gimlet.Session) { s.Set("a", 2); s.Set("c", 2, gimlet.ClientSide); s.Delete("b") })
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, []string{"a", "c"}, s.Keys())
		require.Equal(t, 1, s.Get("a"))
		require.Equal(t, 1, s.Get("c"))
	})
	b := site.browser()
	require.Empty(t, b.ok("/begin").Header["Set-Cookie"])
	require.Zero(t, records(t, m))
	require.Len(t, b.ok("/commit").Header["Set-Cookie"], 1)
	b.ok("/check")
	require.Empty(t, b.ok("/change").Header["Set-Cookie"])
	b.ok("/check")
}

// Destroy acts at once all the same, and so does the idle timeout's move.
func TestManualCommit_destroyAndTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithManualCommit(true), gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m)
		site.do("/commit", func(s *gimlet.Session) { s.Set("a", 1); require.NoError(t, s.Commit(t.Context())) })
		site.do("/read", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")) })
		site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
		site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
		b := site.browser()
		b.ok("/commit")
		for range 10 {
			time.Sleep(50 * time.Minute)
			b.ok("/read")
		}
		thief := b.steal()
		b.ok("/logout")
		require.Empty(t, b.cookies())
		thief.ok("/nobody")
	})
}
