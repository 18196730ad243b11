package gimlet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/memory"
)

// A key that was made while the clock was ahead seems to be newer than any
// theft: it goes with the first RevokeKeys.
func TestRevokeKeys_clockWasAhead(t *testing.T) {
	s := memory.New()
	now := time.Now()
	id := reservedID("default", "key ring")
	r := &keyRing{store: s, id: id, wrapping: wrapping{id: id}}
	r.keys.Store(new([]ringKey))
	require.True(t, rotated(t, r, now.Add(300*day)))
	stolen := r.sealing(now)
	removed, err := r.revoke(t.Context(), now, now)
	require.NoError(t, err)
	require.True(t, removed)
	_, ok, err := r.find(t.Context(), stolen.ID, now)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, *r.keys.Load(), *ringOn(t, s).keys.Load())
	require.Len(t, *r.keys.Load(), 1)
}

// A key whose turn has not come keeps its turn, after the new one, in memory
// as in the store; the new one seals at once.
func TestRevokeKeys_inOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		r := ringOn(t, s)
		time.Sleep(29*day + time.Hour)
		now := time.Now()
		require.True(t, rotated(t, r, now))
		waits := (*r.keys.Load())[1]
		removed, err := r.revoke(t.Context(), now, now)
		require.NoError(t, err)
		require.True(t, removed)
		keys := *r.keys.Load()
		require.Len(t, keys, 2)
		require.Equal(t, waits, keys[1])
		require.Equal(t, waits.From+maxLifetime.Milliseconds(), keys[0].Until)
		require.Equal(t, keys[0].ID, r.sealing(now).ID)
		require.Equal(t, waits.ID, r.sealing(now.Add(day)).ID)
		require.Equal(t, keys, *ringOn(t, s).keys.Load())
		require.NoError(t, s.Close())
	})
}
