package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var concurrentCases = []testCase{{
	name: "Concurrency/no update is lost",
	rule: "Load, change and Save with the next Version loses nothing, however many do it at once.",
	run:  concurrentCounters,
}, {
	name: "Concurrency/reads see what was acknowledged",
	rule: "The operations on one ID are linearizable: a Load or List that starts after a Save, Touch or Delete has returned sees its effect, and no read goes back behind another.",
	run:  concurrentHistory,
}, {
	name: "Concurrency/Sweep spares what was kept alive",
	rule: "Sweep must not remove a record that a concurrent Save or Touch has kept alive past now.",
	run:  concurrentSweep,
}, {
	name:   "Concurrency/Sweep spares what was inserted again",
	rule:   "Sweep must not remove a record that was inserted anew under the ID of an expired one.",
	bubble: true,
	run:    concurrentRebirth,
}}

func concurrentCounters(t tester, open func() store.Store) {
	s := open()
	const counters, workers, increments = 3, 16, 20
	records := make([]store.Record, counters)
	for i := range records {
		records[i] = newRecord("alice", "0")
	}
	save(t, s, records...)
	err := together(workers, func(i int) error {
		for n := range increments {
			if err := increment(t, s, records[(i+n)%counters].ID); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	sum := 0
	for _, r := range records {
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		n, err := strconv.Atoi(string(got.Data))
		require.NoError(t, err)
		require.EqualValues(t, n+1, got.Version, "the version counts the saves")
		sum += n
	}
	require.Equal(t, workers*increments, sum)
}

// increment adds 1 to the number in a record, however often it takes.
func increment(t tester, s store.Store, id store.ID) error {
	for {
		r, err := s.Load(t.Context(), id)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		err = s.Save(t.Context(), next(r, strconv.Itoa(n+1)))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// concurrentSweep prolongs records at the last moment while another sweeps.
// It runs on the real clock: that of a bubble stands still while anyone acts.
func concurrentSweep(t tester, open func() store.Store) {
	s := open()
	const workers, each = 4, 20
	var records [workers][]store.Record
	for i := range records {
		records[i] = newRecords(each, "alice")
		for j := range records[i] {
			records[i][j].Expires = in(time.Hour)
		}
		save(t, s, records[i]...)
	}
	var kept [workers][]store.Record
	swept := 0
	over := time.Now().Add(60 * time.Millisecond)
	err := together(workers+1, func(i int) error {
		if i < workers {
			var err error
			kept[i], err = keepAlive(t, s, records[i], over)
			return err
		}
		for time.Now().Before(over) {
			n, err := s.Sweep(t.Context(), time.Now(), 7)
			if err != nil {
				return err
			}
			swept += n
		}
		return nil
	})
	require.NoError(t, err)

	var all []store.Record
	for i := range kept {
		all = append(all, kept[i]...)
	}
	holds(t, s, all...)
	lists(t, s, "alice", all...)
	n, err := s.Sweep(t.Context(), time.Now(), 1000)
	require.NoError(t, err)
	require.Equal(t, workers*each-len(all), swept+n, "swept, of %d of which %d were kept alive", workers*each, len(all))
}

// keepAlive lets each record expire at some time before over, prolongs it
// when that is near, and returns those for which it was not too late.
func keepAlive(t tester, s store.Store, records []store.Record, over time.Time) ([]store.Record, error) {
	var kept []store.Record
	for i, r := range records {
		end := time.Now().Add(time.Until(over) / time.Duration(len(records)-i)).Truncate(time.Millisecond)
		if err := s.Touch(t.Context(), r.ID, end); err != nil {
			return nil, fmt.Errorf("touch: %w", err)
		}
		margin := rand.N(500*time.Microsecond) - 100*time.Microsecond
		for time.Until(end) > margin {
			if _, err := s.Load(t.Context(), r.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, fmt.Errorf("load: %w", err)
			}
		}
		var err error
		r.Expires = in(time.Hour)
		if i%2 == 0 {
			err = s.Touch(t.Context(), r.ID, r.Expires)
		} else {
			r = next(r, "kept alive")
			err = s.Save(t.Context(), r)
		}
		switch {
		case err == nil:
			kept = append(kept, r)
		case !errors.Is(err, store.ErrNotFound):
			return nil, fmt.Errorf("keep alive: %w", err)
		}
	}
	return kept, nil
}

func concurrentRebirth(t tester, open func() store.Store) {
	s := open()
	records := newRecords(150, "alice")
	save(t, s, records...)
	time.Sleep(time.Hour)
	for i := range records {
		records[i].Owner, records[i].Expires = "bob", in(time.Hour)
	}
	err := together(2, func(i int) error {
		if i == 0 {
			return saveAll(t.Context(), s, records)
		}
		for range records {
			if n, err := s.Sweep(t.Context(), time.Now(), 3); err != nil || n == 0 {
				return err
			}
		}
		return errors.New("there is no end of what has expired")
	})
	require.NoError(t, err)
	holds(t, s, records...)
	lists(t, s, "alice")
	lists(t, s, "bob", records...)
	sweeps(t, s, time.Now(), 1000, 0)
}
