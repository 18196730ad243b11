package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var expiryCases = []testCase{{
	name:   "Expiry/from that instant on",
	rule:   "A record has expired from Expires on, and not before: from then on Load and List do not show it.",
	bubble: true,
	run:    expiryInstant,
}, {
	name:   "Expiry/never",
	rule:   "A zero Expires means that the record never expires; a far one that it does not yet.",
	bubble: true,
	run:    expiryNever,
}, {
	name:   "Expiry/is not undone",
	rule:   "An expired record does not exist: Save and Touch do not revive it, Delete is no error.",
	bubble: true,
	run:    expiryIsNotUndone,
}, {
	name:   "Expiry/frees the ID",
	rule:   "The ID of an expired record may be inserted again, from Version 1 on, and the old life leaves no trace.",
	bubble: true,
	run:    expiryFreesID,
}, {
	name:   "Expiry/in the past",
	rule:   "A record whose Expires is in the past has expired, however long ago; only the zero time is never.",
	bubble: true,
	run:    expiryInThePast,
}, {
	name:   "Expiry/rounding",
	rule:   "Stores may round Expires down to the millisecond, no more.",
	bubble: true,
	run:    expiryRounding,
}}

func expiryInstant(t tester, open func() store.Store) {
	s := open()
	short, long := newRecord("alice", "short"), newRecord("alice", "long")
	long.Expires = in(3 * time.Hour)
	save(t, s, short, long)
	time.Sleep(time.Hour - time.Nanosecond)
	holds(t, s, short, long)
	lists(t, s, "alice", short, long)
	lists(t, s, "", short, long)

	time.Sleep(time.Nanosecond)
	for range 2 {
		lacks(t, s, short)
		holds(t, s, long)
		lists(t, s, "alice", long)
		lists(t, s, "", long)
		time.Sleep(time.Hour / 2)
	}

	long.Expires = in(2 * time.Hour)
	long = next(long, "prolonged")
	save(t, s, long)
	time.Sleep(2*time.Hour - time.Nanosecond)
	holds(t, s, long)
	time.Sleep(time.Nanosecond)
	lacks(t, s, long)
	lists(t, s, "")
}

func expiryNever(t tester, open func() store.Store) {
	s := open()
	records := newRecords(3, "alice")
	records[0].Expires = time.Time{}
	records[1].Expires = time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)
	records[2].Expires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	save(t, s, records...)
	time.Sleep(24 * time.Hour)
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Zero(t, n)
	holds(t, s, records...)
	lists(t, s, "alice", records...)
}

func expiryIsNotUndone(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	save(t, s, r)
	time.Sleep(time.Hour)
	for _, expires := range []time.Time{in(time.Hour), {}} {
		require.ErrorIs(t, s.Touch(t.Context(), r.ID, expires), store.ErrNotFound)
		late := next(r, "late")
		late.Expires = expires
		require.ErrorIs(t, s.Save(t.Context(), late), store.ErrNotFound)
	}
	lacks(t, s, r)
	lists(t, s, "alice")
	require.NoError(t, s.Delete(t.Context(), r.ID))
	lacks(t, s, r)
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.LessOrEqual(t, n, 1)
}

func expiryFreesID(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "first life")
	save(t, s, r)
	save(t, s, next(r, "changed"))
	time.Sleep(time.Hour)

	again := r
	again.Owner, again.Data, again.Expires = "carol", []byte("second life"), in(time.Hour)
	save(t, s, again)
	holds(t, s, again)
	lists(t, s, "alice")
	lists(t, s, "carol", again)
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Zero(t, n, "the first life was replaced: nothing is left of it to sweep")
	again = next(again, "goes on")
	save(t, s, again)
	time.Sleep(time.Hour - time.Nanosecond)
	lists(t, s, "", again)
	time.Sleep(time.Nanosecond)
	lists(t, s, "")
}

func expiryInThePast(t tester, open func() store.Store) {
	s := open()
	past := []time.Time{
		in(0),
		in(-time.Hour),
		time.Unix(0, 0),
		time.Unix(-1, 0),
		time.Time{}.Add(time.Hour),
	}
	for _, expires := range past {
		inserted, updated, touched := newRecord("alice", "i"), newRecord("alice", "u"), newRecord("alice", "t")
		save(t, s, updated, touched)
		inserted.Expires = expires
		save(t, s, inserted)
		updated = next(updated, "updated")
		updated.Expires = expires
		save(t, s, updated)
		require.NoError(t, s.Touch(t.Context(), touched.ID, expires))
		lacks(t, s, inserted, updated, touched)
		lists(t, s, "alice")
		lists(t, s, "")
		require.ErrorIs(t, s.Touch(t.Context(), touched.ID, in(time.Hour)), store.ErrNotFound)
		require.ErrorIs(t, s.Save(t.Context(), next(updated, "late")), store.ErrNotFound)
	}
	n, err := s.Sweep(t.Context(), time.Now(), 100)
	require.NoError(t, err)
	require.Equal(t, 3*len(past), n, "swept")
}

func expiryRounding(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	floor := in(time.Hour + 777*time.Millisecond)
	exact := floor.Add(time.Millisecond - 1)
	check := func() {
		t.Helper()
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.False(t, got.Expires.After(exact), "expires %v, later than asked: %v", got.Expires, exact)
		require.False(t, got.Expires.Before(floor), "expires %v, rounded by more than a millisecond: %v", got.Expires, exact)
	}
	r.Expires = exact
	save(t, s, r)
	check()
	r.Expires = in(2 * time.Hour)
	save(t, s, next(r, "later"))
	require.NoError(t, s.Touch(t.Context(), r.ID, exact))
	check()
	time.Sleep(time.Until(floor) - time.Nanosecond)
	check()
	time.Sleep(time.Until(exact))
	lacks(t, s, r)
	lists(t, s, "")
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n, "swept")
}
