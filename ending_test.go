package gimlet_test

import (
	"context"
	"errors"
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

// A logout that overlaps the request which gives the session its first
// client-side value ends that cookie too.
func TestEnding_firstClientValue(t *testing.T) {
	ends := map[string]func(m *gimlet.Manager, s *gimlet.Session) error{
		"destroy": func(_ *gimlet.Manager, s *gimlet.Session) error { return s.Destroy(t.Context()) },
		"revoke":  func(m *gimlet.Manager, s *gimlet.Session) error { return m.Revoke(t.Context(), s.ID()) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			site := newSite(t, m)
			g := newGate()
			site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
			site.do("/set", func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) })
			site.do("/end", func(s *gimlet.Session) {
				require.Equal(t, 1, s.Get("a"))
				g.wait()
				require.NoError(t, end(m, s))
			})
			site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()); require.Zero(t, s.ID()) })
			b := site.browser()
			b.ok("/begin")
			var thief *browser
			overlap(b, g, "/end", func() {
				b.ok("/set")
				thief = b.steal()
			})
			thief.ok("/nobody")
			require.Zero(t, records(t, m))
		})
	}
}

// A session that moves back into the cookie takes along what another request
// has saved meanwhile.
func TestEnding_shrinkKeepsOtherChanges(t *testing.T) {
	site := newSite(t, newManager(t, gimlet.WithCookieOnly(2000)))
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 3000)) })
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large"); g.wait() })
	site.do("/pay", func(s *gimlet.Session) { s.Set("paid", true) })
	site.do("/check", func(s *gimlet.Session) { require.Equal(t, []string{"paid"}, s.Keys()) })
	b := site.browser()
	b.ok("/begin")
	p := overlap(b, g, "/shrink", func() { b.ok("/pay") })
	require.Equal(t, http.StatusOK, p.StatusCode)
	b.ok("/check")
}

// A session that was destroyed does not live on in the cookie of a slower
// request with which it would have moved there.
func TestEnding_shrinkAfterLogout(t *testing.T) {
	m := newManager(t, gimlet.WithCookieOnly(2000))
	site := newSite(t, m)
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("large", strings.Repeat("x", 3000)); s.Set("role", "admin") })
	site.do("/shrink", func(s *gimlet.Session) { s.Delete("large"); g.wait() })
	site.do("/logout", func(s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) })
	site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
	b := site.browser()
	b.ok("/begin")
	thief := b.steal()
	p := overlap(b, g, "/shrink", func() { b.ok("/logout") })
	require.Equal(t, http.StatusConflict, p.StatusCode)
	require.Empty(t, p.Header["Set-Cookie"])
	b.ok("/nobody")
	thief.ok("/nobody")
}

// written is a store that remembers what it holds of sessions, expired or not.
type written struct {
	store.Store
	mu      sync.Mutex
	records map[store.ID]store.Record
}

func (w *written) Save(ctx context.Context, r store.Record) error {
	err := w.Store.Save(ctx, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && !r.ID.Reserved() {
		w.records[r.ID] = r
	}
	return err
}

func (w *written) Delete(ctx context.Context, id store.ID) error {
	err := w.Store.Delete(ctx, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		delete(w.records, id)
	}
	return err
}

// What is left of an ended session, however it ended, has no data and no owner,
// and goes with the next sweep.
func TestEnding_leavesNothing(t *testing.T) {
	ends := map[string]func(m *gimlet.Manager, s *gimlet.Session) error{
		"destroy": func(_ *gimlet.Manager, s *gimlet.Session) error { return s.Destroy(t.Context()) },
		"revoke":  func(m *gimlet.Manager, s *gimlet.Session) error { return m.Revoke(t.Context(), s.ID()) },
		"owner": func(m *gimlet.Manager, _ *gimlet.Session) error {
			_, err := m.RevokeOwner(t.Context(), "alice")
			return err
		},
		"another login": func(m *gimlet.Manager, s *gimlet.Session) error { return s.Login(t.Context(), "bob") },
	}
	for name, end := range ends {
		for _, client := range []bool{false, true} {
			disk := &written{Store: memory.New(), records: make(map[store.ID]store.Record)}
			m := newManagerOn(t, disk)
			s := m.Begin(t.Context())
			require.NoError(t, s.Login(t.Context(), "alice"))
			s.Set("private", "data")
			if client {
				s.Set("c", 1, gimlet.ClientSide)
			}
			require.NoError(t, s.Commit(t.Context()))
			require.Len(t, disk.records, 1)
			require.Contains(t, string(disk.records[s.ID()].Data), "data")
			require.NoError(t, end(m, s), name)
			require.Zero(t, records(t, m))
			left := len(disk.records)
			for _, r := range disk.records {
				require.Equal(t, "\x3c", string(r.Data), "%s: nothing, and not compressed", name)
				require.Empty(t, r.Owner, name)
				require.True(t, r.Expired(time.Now()), name)
			}
			n, err := m.Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, left, n, name)
		}
	}
}

// A function of a Quick Update that panics when it runs again, after the
// request was answered, does not end the program. The log says where, and
// nothing of what it panicked with, which may be a value.
func TestQuick_panicIsCaught(t *testing.T) {
	var log logBuffer
	m, err := gimlet.New(memory.New(), gimlet.WithLogger(log.logger()))
	require.NoError(t, err)
	quick := gimlet.NewKey[string]("n", gimlet.Quick)
	s := m.Begin(t.Context())
	quick.Set(s, "sentinel")
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	one, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	runs := 0
	quick.Update(one, func(v string) string {
		if runs++; runs > 1 {
			panic(errors.New("cannot charge " + v))
		}
		return v + "x"
	})
	s.Set("other", 1)
	require.NoError(t, s.Commit(t.Context()))
	require.NoError(t, one.Commit(t.Context()))
	require.NoError(t, m.Close())
	require.Contains(t, log.String(), "a panic with a *errors.errorString")
	require.Contains(t, log.String(), "TestQuick_panicIsCaught.func1")
	require.NotContains(t, log.String(), "sentinel")
}

// damagedSweep is a store whose sweeps meet a damaged record.
type damagedSweep struct{ store.Store }

func (s damagedSweep) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := s.Store.Sweep(ctx, now, limit)
	if err == nil {
		err = store.ErrCorrupt
	}
	return n, err
}

// A damaged record that the sweep meets keeps none of the others.
func TestSweep_goesOnBesideDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := gimlet.New(damagedSweep{memory.New()})
		require.NoError(t, err)
		for range 1200 {
			s := m.Begin(t.Context())
			s.Set("a", 1)
			s.SetLifetime(time.Second)
			require.NoError(t, s.Commit(t.Context()))
		}
		time.Sleep(2 * time.Second)
		n, err := m.Sweep(t.Context())
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.Equal(t, 1200, n)
		require.NoError(t, m.Close())
	})
}

// One unreadable revocation costs itself, not the start of the program.
func TestRevoke_unreadableRecord(t *testing.T) {
	shared := keep{memory.New()}
	m, err := gimlet.New(shared)
	require.NoError(t, err)
	s := m.Begin(t.Context())
	s.Set("c", 1, gimlet.ClientSide)
	require.NoError(t, s.Commit(t.Context()))
	require.NoError(t, s.Destroy(t.Context()))
	require.NoError(t, m.Close())
	damaged := 0
	for r, err := range shared.List(t.Context(), "") {
		require.NoError(t, err)
		if r.Owner != "" {
			r.Version, r.Data = r.Version+1, []byte("damaged")
			require.NoError(t, shared.Save(t.Context(), r))
			damaged++
		}
	}
	require.Equal(t, 1, damaged)
	var log logBuffer
	m, err = gimlet.New(shared, gimlet.WithLogger(log.logger()))
	require.NoError(t, err)
	require.Contains(t, log.String(), "revocation record is unreadable")
	require.NoError(t, m.Close())
}

// A touch of a request that has read the session before another one gave it a
// longer idle timeout does not take that back.
func TestLifetime_touchKeepsNewTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m)
		g := newGate()
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/slow", func(s *gimlet.Session) { s.Get("a"); g.wait() })
		site.do("/stay", func(s *gimlet.Session) { s.SetIdleTimeout(100 * time.Hour) })
		var a any
		site.do("/read", func(s *gimlet.Session) { a = s.Get("a") })
		b := site.browser()
		b.ok("/begin")
		time.Sleep(30 * time.Minute)
		overlap(b, g, "/slow", func() { b.ok("/stay") })
		time.Sleep(50 * time.Hour)
		b.ok("/read")
		require.Equal(t, 1, a)
	})
}
