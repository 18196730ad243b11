package gimlet_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// An interloper is a store in which something else happens right before a call,
// once, if that was asked for. Of loads and saves only those of sessions count.
type interloper struct {
	store.Store
	load, save, sweep interlude
}

// An interlude is what happens before the next call.
type interlude struct {
	f atomic.Pointer[func(context.Context) error]
}

func (i *interlude) set(f func(context.Context) error) { i.f.Store(&f) }

func (i *interlude) due() bool { return i.f.Load() != nil }

func (i *interlude) happen(ctx context.Context) error {
	if f := i.f.Swap(nil); f != nil {
		return (*f)(ctx)
	}
	return nil
}

func (i *interloper) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if !id.Reserved() {
		if err := i.load.happen(ctx); err != nil {
			return store.Record{}, err
		}
	}
	return i.Store.Load(ctx, id)
}

func (i *interloper) Save(ctx context.Context, r store.Record) error {
	if !r.ID.Reserved() {
		if err := i.save.happen(ctx); err != nil {
			return err
		}
	}
	return i.Store.Save(ctx, r)
}

func (i *interloper) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := i.sweep.happen(ctx); err != nil {
		return 0, err
	}
	return i.Store.Sweep(ctx, now, limit)
}

// A session that gets its first client-side value between the moments at which
// Revoke looks at it and ends it has ended with that value.
func TestRevoke_firstClientValueInBetween(t *testing.T) {
	s := &interloper{Store: memory.New()}
	m := newManagerOn(t, s)
	site := newLocal(t, m).begins()
	var id store.ID
	site.do("/id", func(s *gimlet.Session) { id = s.ID() })
	site.do("/client", func(s *gimlet.Session) { s.Set("c", 1, gimlet.ClientSide) })
	site.do("/nobody", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
	b := site.browser()
	b.ok("/set")
	b.ok("/id")
	s.save.set(func(context.Context) error {
		b.ok("/client")
		return nil
	})
	require.NoError(t, m.Revoke(t.Context(), id))
	require.False(t, s.save.due())
	b.ok("/nobody")
	require.Zero(t, records(t, m))
}

// A session that moves into its cookie while somebody looks whether it is still
// there has not ended.
func TestDone_movedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &interloper{Store: memory.New()}
		site := newLocal(t, newManagerOn(t, s, gimlet.WithCookieOnly(600)))
		site.do("/begin", func(s *gimlet.Session) { s.Set("large", make([]byte, 2000)); s.Set("a", 1) })
		site.do("/shrink", func(s *gimlet.Session) { s.Delete("large") })
		b := site.browser()
		site.do("/stream", func(session *gimlet.Session) {
			done := session.Done()
			s.load.set(func(context.Context) error {
				b.ok("/shrink")
				return nil
			})
			time.Sleep(25 * time.Second)
			require.False(t, s.load.due())
			require.False(t, closed(done))
		})
		b.ok("/begin")
		b.ok("/stream")
	})
}

// A sweep that takes its time does not keep a process from learning what others
// have revoked.
func TestRevoke_noticedDuringASweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := keep{memory.New()}
		s := &interloper{Store: shared}
		s.sweep.set(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		here := members(t, newManagerOn(t, s), newLocal)
		there := newManagerOn(t, shared)
		b := login(here, "alice")
		time.Sleep(10 * time.Minute)
		require.False(t, s.sweep.due(), "it hangs")
		require.Equal(t, "alicedark", b.ok("/who").body)
		require.NoError(t, there.RevokeAll(t.Context()))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, b.ok("/who").body)
	})
}

// A quick change that another one has overtaken, and with which the session
// would be too large, is lost: the session goes on with what it has.
func TestQuick_tooLargeTogether(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSize(10_000))
	site := newSite(t, m)
	g := newGate()
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.do("/quick", func(s *gimlet.Session) { s.Set("a", make([]byte, 8000), gimlet.Quick); g.wait() })
	site.do("/other", func(s *gimlet.Session) { s.Set("b", make([]byte, 8000)) })
	site.do("/change", func(s *gimlet.Session) { s.Set("n", 2) })
	var keys []string
	site.do("/keys", func(s *gimlet.Session) { keys = s.Keys() })
	b := site.browser()
	b.ok("/begin")
	p := overlap(b, g, "/quick", func() { b.ok("/other") })
	require.Equal(t, http.StatusOK, p.StatusCode)
	b.ok("/change")
	b.ok("/keys")
	require.Equal(t, []string{"b", "n"}, keys)
}
