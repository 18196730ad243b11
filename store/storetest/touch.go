package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var touchCases = []testCase{{
	name: "Touch/moves the expiry alone",
	rule: "Touch moves the expiry, forward, back or to never, and nothing else: not the version, owner or data. A Load or List sees it at once.",
	run:  touchMovesExpiry,
}, {
	name: "Touch/does not revive",
	rule: "Touch returns ErrNotFound when the record does not exist, and never revives it.",
	run:  touchDoesNotRevive,
}, {
	name:   "Touch/counts for the clock",
	rule:   "The expiry that Touch has set is the one that counts from then on.",
	bubble: true,
	run:    touchCounts,
}, {
	name:   "Touch/yields to a later save",
	rule:   "Operations on one ID take effect in their order: a touch that is written late does not undo a Save or Delete that came after it.",
	bubble: true,
	run:    touchYieldsToLaterSave,
}, {
	name: "Touch/loses no save",
	rule: "Touch moves the expiry and nothing else, also while the record is being saved.",
	run:  touchLosesNoSave,
}}

func touchMovesExpiry(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	save(t, s, r, newRecord("bob", "other"))
	for _, expires := range []time.Time{in(48 * time.Hour), in(time.Minute), {}, in(time.Hour), in(time.Hour), {}, {}} {
		require.NoError(t, s.Touch(t.Context(), r.ID, expires))
		r.Expires = expires
		holds(t, s, r)
		lists(t, s, "alice", r)
	}
	r = next(r, "saved after touches")
	r.Expires = in(3 * time.Hour)
	save(t, s, r)
	holds(t, s, r)
	lists(t, s, "alice", r)
}

func touchDoesNotRevive(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	require.ErrorIs(t, s.Touch(t.Context(), r.ID, in(time.Hour)), store.ErrNotFound, "never inserted")
	lacks(t, s, r)
	save(t, s, r)
	require.NoError(t, s.Touch(t.Context(), r.ID, in(2*time.Hour)))
	require.NoError(t, s.Delete(t.Context(), r.ID))
	for _, expires := range []time.Time{in(time.Hour), {}} {
		require.ErrorIs(t, s.Touch(t.Context(), r.ID, expires), store.ErrNotFound, "deleted")
	}
	lacks(t, s, r)
	lists(t, s, "")
}

func touchCounts(t tester, open func() store.Store) {
	s := open()
	records := newRecords(3, "alice")
	save(t, s, records...)
	later, sooner, never := &records[0], &records[1], &records[2]
	later.Expires, sooner.Expires, never.Expires = in(2*time.Hour), in(30*time.Minute), time.Time{}
	for _, r := range records {
		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
	}
	time.Sleep(30*time.Minute - time.Nanosecond)
	lists(t, s, "alice", *later, *sooner, *never)
	time.Sleep(time.Nanosecond)
	lacks(t, s, *sooner)
	lists(t, s, "alice", *later, *never)
	time.Sleep(time.Hour)
	holds(t, s, *later, *never)
	time.Sleep(30 * time.Minute)
	lacks(t, s, *later)
	lists(t, s, "alice", *never)
}

func touchYieldsToLaterSave(t tester, open func() store.Store) {
	s := open()
	records := newRecords(3, "alice")
	save(t, s, records...)
	for i := range records {
		require.NoError(t, s.Touch(t.Context(), records[i].ID, in(30*time.Minute)))
	}
	saved, reborn := next(records[0], "saved"), records[1]
	saved.Expires = in(5 * time.Hour)
	save(t, s, saved)
	require.NoError(t, s.Delete(t.Context(), reborn.ID))
	reborn.Expires = time.Time{}
	save(t, s, reborn)
	require.NoError(t, s.Delete(t.Context(), records[2].ID))

	for range 4 {
		holds(t, s, saved, reborn)
		lists(t, s, "alice", saved, reborn)
		lacks(t, s, records[2])
		n, err := s.Sweep(t.Context(), time.Now(), 10)
		require.NoError(t, err)
		require.Zero(t, n, "swept, though nothing that is there has expired")
		time.Sleep(time.Hour)
	}
}

func touchLosesNoSave(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "version 1")
	save(t, s, r)
	const enough, limit = 60, 300 * time.Millisecond
	end := time.Now().Add(limit)
	id, saving := r.ID, make(chan struct{})
	var touched atomic.Int64
	err := together(3, func(i int) error {
		if i > 0 {
			return until(saving, func() error {
				touched.Add(1)
				return s.Touch(t.Context(), id, in(time.Hour+rand.N(time.Hour)))
			})
		}
		defer close(saving)
		for r.Version < enough || touched.Load() < enough && time.Now().Before(end) {
			r = next(r, fmt.Sprintf("version %d", r.Version+1))
			if err := s.Save(t.Context(), r); err != nil {
				return fmt.Errorf("save version %d: %w", r.Version, err)
			}
			got, err := s.Load(t.Context(), id)
			if err != nil {
				return err
			}
			got.Expires = r.Expires
			if err := differs(r, got); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
}
