package gimlet

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A Login that RevokeOwner has overtaken is not saved, whatever it is saved
// into; one of another owner, one of a session that was excepted, and one that
// came later, are.
func TestOusted_loginUnderWay(t *testing.T) {
	ctx := t.Context()
	revoke := func(m *Manager, owner string, except ...store.ID) {
		_, err := m.RevokeOwner(ctx, owner, except...)
		require.NoError(t, err)
	}
	tests := map[string]struct {
		between func(m *Manager, s *Session)
		err     error
	}{
		"nothing":  {func(*Manager, *Session) {}, nil},
		"owner":    {func(m *Manager, _ *Session) { revoke(m, "alice") }, ErrGone},
		"other":    {func(m *Manager, _ *Session) { revoke(m, "bob") }, nil},
		"excepted": {func(m *Manager, s *Session) { revoke(m, "alice", s.ID()) }, nil},
		"excepted once": {func(m *Manager, s *Session) {
			revoke(m, "alice", s.ID())
			revoke(m, "alice", store.NewID(s.ID().Created()))
		}, ErrGone},
		"once more": {func(m *Manager, s *Session) {
			revoke(m, "alice")
			require.NoError(t, s.Login(ctx, "alice"))
		}, nil},
	}
	for name, test := range tests {
		for _, begun := range []bool{false, true} {
			m := managerInside(t)
			s := m.Begin(ctx)
			s.Set("a", 1)
			if begun {
				require.NoError(t, s.Commit(ctx))
			}
			require.NoError(t, s.Login(ctx, "alice"))
			test.between(m, s)
			require.ErrorIs(t, s.Commit(ctx), test.err, name)
			n := 0
			for range m.Sessions(ctx, "alice") {
				n++
			}
			require.Equal(t, test.err == nil, n == 1, name)
		}
	}
}

// beforeSave is a store in which something happens before the next save of a
// session, once m is set.
type beforeSave struct {
	store.Store
	m *Manager
	f func(m *Manager)
}

func (s *beforeSave) Save(ctx context.Context, r store.Record) error {
	if m := s.m; m != nil && !r.ID.Reserved() {
		s.m = nil
		s.f(m)
	}
	return s.Store.Save(ctx, r)
}

// Logins and calls of RevokeOwner take turns: a Login that has looked whether
// it was ended is in the store before RevokeOwner looks what to end.
func TestOusted_takesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := New(&beforeSave{Store: memory.New(), f: func(m *Manager) {
			go func() {
				n, err := m.RevokeOwner(t.Context(), "alice")
				if err != nil || n != 1 {
					t.Error(n, err)
				}
			}()
			synctest.Wait()
		}})
		require.NoError(t, err)
		s := m.Begin(t.Context())
		require.NoError(t, s.Login(t.Context(), "alice"))
		m.base.Store.(*beforeSave).m = m
		require.NoError(t, s.Commit(t.Context()))
		synctest.Wait()
		for range m.Sessions(t.Context(), "alice") {
			require.Fail(t, "alice is signed in")
		}
		require.NoError(t, m.Close())
	})
}

// What is remembered has a bound. Beyond it a Login under way is taken for one
// that was ended, and a later one is not.
func TestOusted_bound(t *testing.T) {
	var o ousted
	var id store.ID
	before := o.calls()
	o.add("alice", nil)
	after := o.calls()
	for i := range 3 * maxOusted {
		require.True(t, o.since(before, "alice", id))
		o.add("owner"+strconv.Itoa(i), nil)
		require.LessOrEqual(t, len(o.recent), maxOusted)
		if i < maxOusted/2 {
			require.False(t, o.since(after, "alice", id), "%d", i)
		}
	}
	require.True(t, o.since(after, "alice", id), "nobody knows")
	last := o.calls()
	require.False(t, o.since(last, "alice", id))
	o.add("alice", []store.ID{id})
	require.False(t, o.since(last, "alice", id))
	require.True(t, o.since(last, "alice", store.ID{1}))
}
