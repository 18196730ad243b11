package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var sweepCases = []testCase{{
	name:   "Sweep/up to the limit",
	rule:   "Sweep removes up to limit expired records and returns how many; fewer than limit means that no more had expired. A limit below 1 removes nothing.",
	bubble: true,
	run:    sweepLimit,
}, {
	name:   "Sweep/what had expired at now",
	rule:   "Sweep removes the records that had expired at now, and no others.",
	bubble: true,
	run:    sweepAtNow,
}, {
	name:   "Sweep/follows the newest expiry",
	rule:   "Sweep removes by the expiry that the last Save or Touch has set: what was prolonged stays, what was shortened goes, and neither counts twice.",
	bubble: true,
	run:    sweepNewestExpiry,
}, {
	name:   "Sweep/leaves nothing behind",
	rule:   "A record that was swept, or deleted before, is gone from every list and index.",
	bubble: true,
	run:    sweepLeavesNothing,
}}

// sweeps checks that Sweep at now removes n records.
func sweeps(t tester, s store.Store, now time.Time, limit, n int) {
	t.Helper()
	got, err := s.Sweep(t.Context(), now, limit)
	require.NoError(t, err)
	require.Equal(t, n, got, "swept, with a limit of %d", limit)
}

func sweepLimit(t tester, open func() store.Store) {
	s := open()
	living, expiring := newRecords(20, "alice"), newRecords(10, "alice")
	for i := range living {
		living[i].Expires = in(2 * time.Hour)
	}
	save(t, s, living...)
	save(t, s, expiring...)
	sweeps(t, s, time.Now(), 100, 0)
	time.Sleep(time.Hour)
	for _, limit := range []int{0, -1, -1 << 31} {
		sweeps(t, s, time.Now(), limit, 0)
	}
	sweeps(t, s, time.Now(), 4, 4)
	sweeps(t, s, time.Now(), 1, 1)
	sweeps(t, s, time.Now(), 4, 4)
	sweeps(t, s, time.Now(), 4, 1)
	sweeps(t, s, time.Now(), 4, 0)
	holds(t, s, living...)
	lists(t, s, "", living...)
	time.Sleep(time.Hour)
	sweeps(t, s, time.Now(), 1<<31-1, len(living))
}

func sweepAtNow(t tester, open func() store.Store) {
	s := open()
	records := newRecords(5, "alice")
	for i := range records {
		records[i].Expires = in(time.Duration(i+1) * time.Hour)
	}
	save(t, s, records...)
	start := time.Now()
	time.Sleep(3 * time.Hour)
	sweeps(t, s, start.Add(time.Hour-1), 10, 0)
	sweeps(t, s, start.Add(time.Hour), 10, 1)
	sweeps(t, s, start.Add(2*time.Hour+time.Minute), 10, 1)
	holds(t, s, records[3:]...)
	sweeps(t, s, time.Now(), 10, 1)
	holds(t, s, records[3:]...)
	lists(t, s, "alice", records[3:]...)
}

func sweepNewestExpiry(t tester, open func() store.Store) {
	s := open()
	saved, touched, forever, shortened, expiring :=
		newRecords(20, "a"), newRecords(20, "a"), newRecords(20, "a"), newRecords(20, "a"), newRecords(20, "a")
	for _, records := range [][]store.Record{saved, touched, forever, shortened, expiring} {
		save(t, s, records...)
	}
	for i := range 20 {
		saved[i] = next(saved[i], "prolonged")
		saved[i].Expires = in(3 * time.Hour)
		touched[i].Expires = in(3 * time.Hour)
		require.NoError(t, s.Touch(t.Context(), touched[i].ID, touched[i].Expires))
		forever[i].Expires = time.Time{}
		require.NoError(t, s.Touch(t.Context(), forever[i].ID, time.Time{}))
		require.NoError(t, s.Touch(t.Context(), shortened[i].ID, in(time.Hour/2)))
	}
	save(t, s, saved...)

	time.Sleep(time.Hour / 2)
	sweeps(t, s, time.Now(), 5, 5)
	sweeps(t, s, time.Now(), 20, 15)
	lacks(t, s, shortened...)
	time.Sleep(time.Hour / 2)
	sweeps(t, s, time.Now(), 5, 5)
	sweeps(t, s, time.Now(), 20, 15)
	holds(t, s, saved...)
	holds(t, s, touched...)
	holds(t, s, forever...)
	time.Sleep(2 * time.Hour)
	sweeps(t, s, time.Now(), 1000, 40)
	lists(t, s, "a", forever...)
}

func sweepLeavesNothing(t tester, open func() store.Store) {
	s := open()
	swept, deleted, reborn := newRecord("alice", "swept"), newRecord("alice", "deleted"), newRecord("alice", "reborn")
	save(t, s, swept, deleted, reborn)
	require.NoError(t, s.Delete(t.Context(), deleted.ID))
	require.NoError(t, s.Delete(t.Context(), reborn.ID))
	reborn.Expires = in(2 * time.Hour)
	save(t, s, reborn)
	time.Sleep(time.Hour)
	sweeps(t, s, time.Now(), 10, 1)
	lacks(t, s, swept, deleted)
	lists(t, s, "alice", reborn)

	require.ErrorIs(t, s.Save(t.Context(), next(swept, "late")), store.ErrNotFound)
	require.ErrorIs(t, s.Touch(t.Context(), swept.ID, in(time.Hour)), store.ErrNotFound)
	swept.Owner, swept.Expires = "bob", in(time.Hour)
	save(t, s, swept)
	lists(t, s, "alice", reborn)
	lists(t, s, "bob", swept)
	time.Sleep(time.Hour)
	sweeps(t, s, time.Now(), 10, 2)
	lists(t, s, "")
}
