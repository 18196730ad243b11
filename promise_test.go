package gimlet_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// Nothing lost: sessions, keys and revocations are there after a restart, and
// the same cookies go on.
func TestPromise_survivesRestart(t *testing.T) {
	file := t.TempDir() + "/sessions.db"
	var cookies []*http.Cookie
	routes := func(m *gimlet.Manager) *site {
		site := newSite(t, m)
		site.do("/begin", func(s *gimlet.Session) {
			require.NoError(t, s.Login(t.Context(), "alice"))
			countKey.Set(s, 1)
			themeKey.Set(s, "dark")
			s.Set("run", 1, gimlet.Transient)
			s.Flash("", "hello")
		})
		site.do("/check", func(s *gimlet.Session) {
			require.Equal(t, "alice", s.Owner())
			require.Equal(t, 1, s.Get("count"))
			require.Equal(t, "dark", s.Get("theme"))
			require.Equal(t, 1, s.Get("run"))
			require.Equal(t, []any{"hello"}, s.PeekFlashes(""))
		})
		return site
	}
	withFile(t, file, func(m *gimlet.Manager) {
		b := routes(m).browser()
		b.ok("/begin")
		cookies = b.cookies()
	})
	for range 2 {
		withFile(t, file, func(m *gimlet.Manager) {
			b := routes(m).browser()
			b.set(cookies...)
			b.ok("/check")
		})
	}
}

// Nothing wasted: a read that the cache answers causes no transaction of the
// file.
func TestPromise_cachedReadIsFree(t *testing.T) {
	file := bolt.Open(t.TempDir() + "/sessions.db")
	m, err := gimlet.New(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/get", func(s *gimlet.Session) { require.Equal(t, 1, s.Get("a")) })
	b := site.browser()
	b.ok("/set")
	// The library under the cache takes things in when it finds the time.
	for range 10_000 {
		if b.ok("/get"); m.Stats().Cache.Hits > 0 {
			break
		}
	}
	before, hits := file.Stats(), m.Stats().Cache.Hits
	for range 100 {
		b.ok("/get")
	}
	require.Equal(t, before, file.Stats())
	require.Equal(t, hits+100, m.Stats().Cache.Hits)
}

// Nothing wasted: writers that wait share a commit. On a machine that is busy with
// other things few may wait at a time, so it is tried more than once.
func TestPromise_writersShareCommits(t *testing.T) {
	file := bolt.Open(t.TempDir() + "/sessions.db")
	m, err := gimlet.New(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	var changes, commits uint64
	for round := 1; round <= 10; round++ {
		before := file.Stats()
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 20 {
					s := m.Begin(t.Context())
					s.Set("a", 1)
					if err := s.Commit(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		after := file.Stats()
		changes, commits = after.Changes-before.Changes, after.Commits-before.Commits
		require.LessOrEqual(t, commits, changes)
		require.Equal(t, 1280*round, records(t, m))
		if commits < changes/2 {
			return
		}
	}
	t.Fatalf("%d commits for %d changes: fewer than two share one", commits, changes)
}
