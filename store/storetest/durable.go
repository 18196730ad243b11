package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// RunDurable tests what a store promises that keeps its records on a disk or
// elsewhere beyond the process: that they are there when it is opened again.
// It comes on top of [Run].
//
// open opens the store that is kept in dir, which is empty the first time.
// The suite closes it and opens it again. What holds for the open of Run
// holds here.
//
// Only a store's own tests can show that what was acknowledged survives a
// crash.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) store.Store) {
	runCases(t, durableCases, func(t *testing.T) func() store.Store {
		dir := t.TempDir()
		return func() store.Store { return open(t, dir) }
	})
}

var durableCases = []testCase{{
	name: "Durable/what Save has stored",
	rule: "When Save returns nil the record is durable: it survives the process, with its place in its owner's list.",
	run:  durableSave,
}, {
	name: "Durable/what Delete has removed",
	rule: "Delete removes the record durably: it stays away, and its ID is free.",
	run:  durableDelete,
}, {
	name: "Durable/what Touch has moved",
	rule: "A store may lose touches in a crash; it must not lose them at Close.",
	run:  durableTouch,
}, {
	name:   "Durable/what expires meanwhile",
	rule:   "Time goes on while a store is closed: what has expired is not shown, and is swept.",
	bubble: true,
	run:    durableExpiry,
}, {
	name:   "Durable/what Sweep has removed",
	rule:   "Sweep removes durably.",
	bubble: true,
	run:    durableSweep,
}}

// reopen closes s and opens it again.
func reopen(t tester, s store.Store, open func() store.Store) store.Store {
	t.Helper()
	require.NoError(t, s.Close())
	return open()
}

func durableSave(t tester, open func() store.Store) {
	s := open()
	records := newRecords(50, "alice")
	records[0].Owner, records[1].Expires, records[2].Data = "", time.Time{}, nil
	reserved := newRecord("", "reserved")
	reserved.ID = store.ID{15: 1}
	records = append(records, reserved)
	save(t, s, records...)
	for round := range 3 {
		s = reopen(t, s, open)
		holds(t, s, records...)
		lists(t, s, "", records...)
		for i := range records {
			if i%3 == round {
				records[i] = next(records[i], fmt.Sprintf("changed in round %d", round))
				records[i].Owner = "bob"
				save(t, s, records[i])
			}
		}
	}
	s = reopen(t, s, open)
	holds(t, s, records...)
	lists(t, s, "bob", records...)
	lists(t, s, "alice")
}

func durableDelete(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	save(t, s, records...)
	s = reopen(t, s, open)
	for _, r := range records[:10] {
		require.NoError(t, s.Delete(t.Context(), r.ID))
	}
	s = reopen(t, s, open)
	lacks(t, s, records[:10]...)
	holds(t, s, records[10:]...)
	lists(t, s, "alice", records[10:]...)
	require.ErrorIs(t, s.Save(t.Context(), next(records[0], "late")), store.ErrNotFound)
	save(t, s, records[0])
	s = reopen(t, s, open)
	holds(t, s, records[0])
}

func durableTouch(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	save(t, s, records...)
	for i, expires := range []time.Time{in(2 * time.Hour), in(time.Minute), {}} {
		require.NoError(t, s.Touch(t.Context(), records[i].ID, expires))
		records[i].Expires = expires
	}
	saved := &records[3]
	require.NoError(t, s.Touch(t.Context(), saved.ID, in(time.Minute)))
	*saved = next(*saved, "saved after the touch")
	save(t, s, *saved)
	deleted := records[4]
	require.NoError(t, s.Touch(t.Context(), deleted.ID, in(2*time.Hour)))
	require.NoError(t, s.Delete(t.Context(), deleted.ID))
	records = append(records[:4], records[5:]...)
	for range 2 {
		s = reopen(t, s, open)
		holds(t, s, records...)
		lacks(t, s, deleted)
		lists(t, s, "alice", records...)
	}
}

func durableExpiry(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	save(t, s, records...)
	for i := range records[:10] {
		records[i].Expires = in(3 * time.Hour)
		require.NoError(t, s.Touch(t.Context(), records[i].ID, records[i].Expires))
	}
	require.NoError(t, s.Close())
	time.Sleep(2 * time.Hour)
	s = open()
	holds(t, s, records[:10]...)
	lacks(t, s, records[10:]...)
	lists(t, s, "alice", records[:10]...)
	sweeps(t, s, time.Now(), 7, 7)
	sweeps(t, s, time.Now(), 7, 3)
	require.NoError(t, s.Close())
	time.Sleep(time.Hour)
	s = open()
	lists(t, s, "alice")
	sweeps(t, s, time.Now(), 20, 10)
}

func durableSweep(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	save(t, s, records...)
	time.Sleep(time.Hour)
	sweeps(t, s, time.Now(), 12, 12)
	s = reopen(t, s, open)
	sweeps(t, s, time.Now(), 20, 8)
	s = reopen(t, s, open)
	sweeps(t, s, time.Now(), 20, 0)
	for i := range records {
		records[i].Expires = time.Time{}
	}
	save(t, s, records...)
	s = reopen(t, s, open)
	lists(t, s, "alice", records...)
}
