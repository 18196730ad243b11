package gimlet_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// Two that have both called Login before either is saved do not both get in.
func TestLimit_refusedWhenSaved(t *testing.T) {
	m := newManager(t, gimlet.WithMaxSessionsPerOwner(1), gimlet.WithLimitPolicy(gimlet.RefuseLogin))
	one, two := m.Begin(t.Context()), m.Begin(t.Context())
	require.NoError(t, one.Login(t.Context(), "alice"))
	require.NoError(t, two.Login(t.Context(), "alice"))
	require.NoError(t, one.Commit(t.Context()))
	require.ErrorIs(t, two.Commit(t.Context()), gimlet.ErrTooManySessions)
	require.Equal(t, 1, records(t, m))
}

// Logins of one owner are saved one after the other: the second waits while the
// first is on its way into the store, and then counts it.
func TestLimit_loginsTakeTurns(t *testing.T) {
	for _, policy := range []gimlet.LimitPolicy{gimlet.EndOldest, gimlet.RefuseLogin} {
		synctest.Test(t, func(t *testing.T) {
			s := &interloper{Store: memory.New()}
			m := newManagerOn(t, s, gimlet.WithMaxSessionsPerOwner(1), gimlet.WithLimitPolicy(policy))
			one, two := m.Begin(t.Context()), m.Begin(t.Context())
			require.NoError(t, one.Login(t.Context(), "alice"))
			require.NoError(t, two.Login(t.Context(), "alice"))
			second := make(chan error, 1)
			s.save.set(func(context.Context) error {
				go func() { second <- two.Commit(t.Context()) }()
				synctest.Wait()
				if len(second) > 0 {
					return errors.New("the second login did not wait")
				}
				return nil
			})
			require.NoError(t, one.Commit(t.Context()))
			if err := <-second; policy == gimlet.RefuseLogin {
				require.ErrorIs(t, err, gimlet.ErrTooManySessions)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, 1, records(t, m))
		})
	}
}

// EndOldest ends those that were logged in longest ago, whenever they began.
func TestLimit_endsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithMaxSessionsPerOwner(3))
		var all []*gimlet.Session
		for range 5 {
			all = append(all, m.Begin(t.Context()))
			all[len(all)-1].Set("a", 1)
			require.NoError(t, all[len(all)-1].Commit(t.Context()))
			time.Sleep(time.Minute)
		}
		order := []int{3, 0, 4, 1, 2}
		for n, i := range order {
			require.NoError(t, all[i].Login(t.Context(), "alice"))
			require.NoError(t, all[i].Commit(t.Context()))
			time.Sleep(time.Minute)
			want := map[any]bool{}
			for _, j := range order[max(0, n-2) : n+1] {
				want[all[j].ID()] = true
			}
			got := map[any]bool{}
			for info, err := range m.Sessions(t.Context(), "alice") {
				require.NoError(t, err)
				got[info.ID] = true
			}
			require.Equal(t, want, got)
		}
	})
}

// What RevokeAll has ended, and what has expired, keeps nobody from signing in,
// although the records are there.
func TestLimit_countsTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithMaxSessionsPerOwner(1), gimlet.WithLimitPolicy(gimlet.RefuseLogin), gimlet.WithIdleTimeout(0))
		signIn := func() error {
			s := m.Begin(t.Context())
			if err := s.Login(t.Context(), "alice"); err != nil {
				return err
			}
			return s.Commit(t.Context())
		}
		require.NoError(t, signIn())
		require.ErrorIs(t, signIn(), gimlet.ErrTooManySessions)
		require.NoError(t, m.RevokeAll(t.Context()))
		require.NoError(t, signIn())
		require.ErrorIs(t, signIn(), gimlet.ErrTooManySessions)
		time.Sleep(7 * days)
		require.NoError(t, signIn())
	})
}
