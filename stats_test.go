package gimlet_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Every counter moves by what happened, and no other does.
func TestStats_everyCounter(t *testing.T) {
	const url = "https://example.test/"
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		disk := newBreakable()
		m := newManagerOn(t, disk)
		var cookies []*http.Cookie
		do := func(work func(s *gimlet.Session)) {
			resp := answer(m, url, cookies, work)
			if len(resp.Cookies()) > 0 {
				cookies = resp.Cookies()
			}
		}
		// did returns what has been counted since it was called last.
		var last gimlet.Stats
		did := func() gimlet.Stats {
			synctest.Wait()
			now := m.Stats()
			d := minus(now, last)
			last = now
			return d
		}

		require.Equal(t, gimlet.Stats{Store: gimlet.StoreStats{Loads: 2, Saves: 1, Lists: 1}}, did(), "the key ring, the generation, the revocations")

		do(func(s *gimlet.Session) { s.Set("n", 1) })
		require.Equal(t, gimlet.Stats{Cookies: 1, Saves: 1, Store: gimlet.StoreStats{Saves: 1}}, did())

		do(func(s *gimlet.Session) { s.Get("n"); s.Get("n") })
		require.Equal(t, gimlet.Stats{Opened: 1, Loads: 1, Store: gimlet.StoreStats{Loads: 1}}, did())

		do(func(s *gimlet.Session) { s.Set("n", 2) })
		require.Equal(t, gimlet.Stats{Opened: 1, Loads: 1, Saves: 1, Store: gimlet.StoreStats{Loads: 1, Saves: 1}}, did())

		do(func(s *gimlet.Session) { s.Set("n", 3, gimlet.Quick) })
		require.Equal(t, gimlet.Stats{Opened: 1, Loads: 1, Saves: 1, Quick: 1, Store: gimlet.StoreStats{Loads: 1, Saves: 1}}, did())

		do(func(s *gimlet.Session) {
			s.Get("n")
			answer(m, url, cookies, func(s *gimlet.Session) { s.Set("other", 1) })
			s.Set("n", 4)
		})
		require.Equal(t, gimlet.Stats{Opened: 2, Loads: 3, Saves: 3, Conflicts: 1, Store: gimlet.StoreStats{Loads: 3, Saves: 3}}, did())

		time.Sleep(3*time.Hour + time.Second) // not when housekeeping is at work
		swept := did()
		require.Positive(t, swept.Sweeps)
		require.Equal(t, gimlet.Stats{Sweeps: swept.Sweeps, Store: gimlet.StoreStats{Loads: swept.Store.Loads, Lists: swept.Store.Lists, Sweeps: swept.Sweeps}}, swept)
		do(func(s *gimlet.Session) { s.Get("n") })
		require.Equal(t, gimlet.Stats{Opened: 1, Cookies: 1, Loads: 2, Touches: 1, Store: gimlet.StoreStats{Loads: 2, Touches: 1}}, did())

		answer(m, url, []*http.Cookie{{Name: "__Host-id", Value: "garbage"}}, func(s *gimlet.Session) { s.Get("n") })
		require.Equal(t, gimlet.Stats{Rejected: 1}, did())

		disk.loads.set(errDisk)
		do(func(s *gimlet.Session) { s.Get("n"); s.Get("n") })
		disk.loads.mend()
		require.Equal(t, gimlet.Stats{Opened: 1, Loads: 1, Failures: 1, Store: gimlet.StoreStats{Loads: 1, Errors: 1}}, did())

		do(logout)
		require.Equal(t, gimlet.Stats{Opened: 1, Cookies: 1, Loads: 1, Deletes: 1, Ended: 1, Store: gimlet.StoreStats{Loads: 1, Saves: 1}}, did())

		cookies = nil
		do(func(s *gimlet.Session) { s.Set("n", 1) })
		time.Sleep(25 * time.Hour)
		did()
		require.EqualValues(t, 2, m.Stats().Swept, "the one that expired, and what was left of the one that was ended")
		n, err := m.Sweep(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, gimlet.Stats{Sweeps: 1, Store: gimlet.StoreStats{Sweeps: 1}}, did())

		for range m.Sessions(ctx, "") {
			t.Fatal("no session is left")
		}
		require.Equal(t, gimlet.Stats{Store: gimlet.StoreStats{Lists: 1}}, did())
	})
}

// minus returns the counts of a beyond those of b, layers apart.
func minus(a, b gimlet.Stats) gimlet.Stats {
	return gimlet.Stats{
		Opened: a.Opened - b.Opened, Rejected: a.Rejected - b.Rejected, Cookies: a.Cookies - b.Cookies,
		Loads: a.Loads - b.Loads, Saves: a.Saves - b.Saves, Touches: a.Touches - b.Touches, Deletes: a.Deletes - b.Deletes,
		Conflicts: a.Conflicts - b.Conflicts, Quick: a.Quick - b.Quick, Sweeps: a.Sweeps - b.Sweeps, Swept: a.Swept - b.Swept,
		Ended: a.Ended - b.Ended, Failures: a.Failures - b.Failures, Corrupt: a.Corrupt - b.Corrupt,
		Store: gimlet.StoreStats{
			Loads: a.Store.Loads - b.Store.Loads, Saves: a.Store.Saves - b.Store.Saves,
			Touches: a.Store.Touches - b.Store.Touches, Deletes: a.Store.Deletes - b.Store.Deletes,
			Lists: a.Store.Lists - b.Store.Lists, Sweeps: a.Store.Sweeps - b.Store.Sweeps, Errors: a.Store.Errors - b.Store.Errors,
		},
	}
}

// The layers count for themselves: the cache its hits, compression its work.
func TestStats_layers(t *testing.T) {
	m := newManager(t)
	cookies := answer(m, "https://example.test/", nil, func(s *gimlet.Session) { s.Set("n", string(make([]byte, 10000))) }).Cookies()
	for m.Stats().Cache.Hits == 0 {
		answer(m, "https://example.test/", cookies, func(s *gimlet.Session) { require.NotNil(t, s.Get("n")) })
	}
	require.Positive(t, m.Stats().Compression.Compressed)
	require.Zero(t, newManagerOn(t, newBreakable()).Stats().Cache)
}

// What was not found, and what lost against another save, is no error of the
// store; what failed is.
func TestStats_errors(t *testing.T) {
	disk := newBreakable()
	m := newManagerOn(t, disk)
	_, token := newToken(t, m)
	require.NoError(t, m.RevokeAll(t.Context()))
	_, err := m.Load(t.Context(), token)
	require.ErrorIs(t, err, gimlet.ErrNoSession)
	require.Zero(t, m.Stats().Store.Errors)
	disk.deletes.set(errDisk)
	require.ErrorIs(t, m.Revoke(t.Context(), m.Begin(t.Context()).ID()), errDisk)
	require.EqualValues(t, 1, m.Stats().Store.Errors)
}
