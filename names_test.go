package gimlet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// What one manager ends is ended in one of another name on the same store,
// within 10 seconds and for one that is opened later at once, in the client-side
// values of its cookies too.
func TestWithName_endsReachOthers(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, m *gimlet.Manager) error{
		"owner": func(t *testing.T, m *gimlet.Manager) error {
			n, err := m.RevokeOwner(t.Context(), "alice")
			require.Equal(t, 1, n)
			return err
		},
		"one": func(t *testing.T, m *gimlet.Manager) error { return m.Revoke(t.Context(), idOf(t, m, "alice")) },
		"owned": func(t *testing.T, m *gimlet.Manager) error {
			ended, err := m.RevokeOwned(t.Context(), "alice", idOf(t, m, "alice"))
			require.True(t, ended)
			return err
		},
		"limit": func(t *testing.T, m *gimlet.Manager) error {
			s := m.Begin(t.Context())
			require.NoError(t, s.Login(t.Context(), "alice"))
			return s.Commit(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := keep{memory.New()}
				open := func(name string) *gimlet.Manager {
					m, err := gimlet.New(shared, gimlet.WithName(name), gimlet.WithMaxSessionsPerOwner(1))
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, m.Close()) })
					return m
				}
				one, two := open("one"), open("two")
				b := login(members(t, two, newLocal), "alice")
				bob := login(members(t, two, newLocal), "bob")
				require.Equal(t, "alicedark", b.ok("/who").body)
				require.NoError(t, end(t, one))
				later := members(t, open("two"), newLocal).browser()
				later.set(b.cookies()...)
				require.Empty(t, later.ok("/theme").body)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Empty(t, b.ok("/theme").body)
				require.Empty(t, b.ok("/who").body)
				require.Equal(t, "bobdark", bob.ok("/who").body)
			})
		})
	}
}
