package gimlet_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// slowStore holds saves back until the test lets them go.
type slowStore struct {
	store.Store
	mu   sync.Mutex
	hold chan struct{}
	err  error
}

func (s *slowStore) Save(ctx context.Context, r store.Record) error {
	s.mu.Lock()
	hold, err := s.hold, s.err
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

func (s *slowStore) set(hold chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold, s.err = hold, err
}

// Quick changes are answered before they are durable; a read in this process
// sees them at once, and they are on disk when the store is through.
func TestQuick_answersFirst(t *testing.T) {
	slow := &slowStore{Store: memory.New()}
	m, err := gimlet.New(slow)
	require.NoError(t, err)
	site := newSite(t, m)
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/quick", func(s *gimlet.Session) {
		s.Set("q", 2, gimlet.Quick)
		countKey.Update(s, func(n int) int { return n + 1 })
	})
	site.do("/set", func(s *gimlet.Session) { s.Set("q", 2, gimlet.Quick) })
	var got any
	site.do("/get", func(s *gimlet.Session) { got = s.Get("q") })
	b := site.browser()
	b.ok("/begin")

	hold := make(chan struct{})
	slow.set(hold, nil)
	b.ok("/set") // would hang if it waited
	require.Equal(t, uint64(1), m.Stats().Quick)
	read := make(chan struct{})
	go func() { b.ok("/get"); close(read) }()
	close(hold)
	<-read
	require.Equal(t, 2, got)

	// A change of the same request that is not Quick makes the save durable.
	slow.set(nil, nil)
	b.ok("/quick")
	require.Equal(t, uint64(1), m.Stats().Quick)
	require.NoError(t, m.Close())
}

// Close waits for quick saves: after a clean end nothing is lost.
func TestQuick_closeWaits(t *testing.T) {
	file := t.TempDir() + "/sessions.db"
	token := ""
	withFile(t, file, func(m *gimlet.Manager) {
		s := m.Begin(t.Context())
		s.Set("a", 0)
		require.NoError(t, s.Commit(t.Context()))
		var err error
		token, err = s.Token()
		require.NoError(t, err)
		for i := range 50 {
			s.Set("a", i+1, gimlet.Quick)
			s.Set("b", i+1, gimlet.Quick)
			require.NoError(t, s.Commit(t.Context()))
		}
		require.Equal(t, uint64(50), m.Stats().Quick)
	})
	withFile(t, file, func(m *gimlet.Manager) {
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, 50, s.Get("a"))
		require.Equal(t, 50, s.Get("b"))
	})
}

// Quick changes of overlapping handles are merged like others, and a session
// that was destroyed meanwhile stays so.
func TestQuick_mergesAndStaysDead(t *testing.T) {
	slow := &slowStore{Store: memory.New()}
	m, err := gimlet.New(slow)
	require.NoError(t, err)
	s := m.Begin(t.Context())
	s.Set("begin", 1)
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	load := func() *gimlet.Session {
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		return s
	}
	one, two, three := load(), load(), load()
	hold := make(chan struct{})
	slow.set(hold, nil)
	one.Set("one", 1, gimlet.Quick)
	require.NoError(t, one.Commit(t.Context()))
	two.Set("two", 2, gimlet.Quick)
	require.NoError(t, two.Commit(t.Context()))
	close(hold)
	require.Equal(t, []string{"begin", "one", "two"}, load().Keys())

	require.NoError(t, load().Destroy(t.Context()))
	three.Set("three", 3, gimlet.Quick)
	require.NoError(t, three.Commit(t.Context()), "answered before it is tried")
	_, err = m.Load(t.Context(), token)
	require.ErrorIs(t, err, gimlet.ErrNoSession)
	require.Zero(t, records(t, m))
	require.NoError(t, m.Close())
}

// A quick save that fails is logged and costs what it was to save.
func TestQuick_failureIsLogged(t *testing.T) {
	var log logBuffer
	slow := &slowStore{Store: memory.New()}
	m, err := gimlet.New(slow, gimlet.WithLogger(log.logger()))
	require.NoError(t, err)
	s := m.Begin(t.Context())
	s.Set("a", 1)
	require.NoError(t, s.Commit(t.Context()))
	slow.set(nil, errors.New("disk on fire"))
	s.Set("a", 2, gimlet.Quick)
	require.NoError(t, s.Commit(t.Context()))
	require.Equal(t, 1, s.Get("a"))
	require.Contains(t, log.String(), "disk on fire")
	slow.set(nil, nil)
	require.NoError(t, m.Close())
}

// stuckStore is one whose disk does not answer any more, from a moment on.
type stuckStore struct {
	store.Store
	stuck atomic.Bool
}

func (s *stuckStore) Save(ctx context.Context, r store.Record) error {
	if s.stuck.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.Save(ctx, r)
}

// Saves of one session take turns. With a store that is stuck they do not wait for as
// long as all of them together may take, and neither does Close.
func TestQuick_closeWithAStuckStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuckStore{Store: memory.New()}
		m, err := gimlet.New(s, gimlet.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		first := m.Begin(t.Context())
		first.Set("a", 1)
		require.NoError(t, first.Commit(t.Context()))
		token, err := first.Token()
		require.NoError(t, err)
		handles := make([]*gimlet.Session, 5)
		for i := range handles {
			handles[i], err = m.Load(t.Context(), token)
			require.NoError(t, err)
		}
		s.stuck.Store(true)
		for i, h := range handles {
			h.Set("q", i, gimlet.Quick)
			require.NoError(t, h.Commit(t.Context()))
		}
		require.EqualValues(t, len(handles), m.Stats().Quick)
		began := time.Now()
		require.NoError(t, m.Close())
		require.LessOrEqual(t, time.Since(began), 11*time.Second)
	})
}
