package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var closeCases = []testCase{{
	name: "Close/later calls",
	rule: "After Close every call fails with ErrClosed, List by yielding it. Closing twice is nil.",
	run:  closeLaterCalls,
}, {
	name: "Close/calls under way",
	rule: "Calls that are under way finish or fail with ErrClosed: none panics, none hangs.",
	run:  closeUnderWay,
}}

func closeLaterCalls(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	save(t, s, r)
	for range 2 {
		require.NoError(t, s.Close())
		for name, err := range callEvery(t.Context(), s, r) {
			require.ErrorIs(t, err, store.ErrClosed, name)
		}
	}
}

func closeUnderWay(t tester, open func() store.Store) {
	for round := range 10 {
		s := open()
		records := newRecords(30, "alice")
		save(t, s, records...)
		var closed atomic.Bool
		err := together(10, func(i int) error {
			if i >= 2 {
				return untilClosed(&closed, func() error { return workload(t, s, &records[i], i) })
			}
			for range 20 * round {
				if _, err := s.Load(t.Context(), records[29].ID); err != nil && !errors.Is(err, store.ErrClosed) {
					return fmt.Errorf("load: %w", err)
				}
				runtime.Gosched()
			}
			defer closed.Store(true)
			return s.Close()
		})
		require.NoError(t, err)
	}
}

// untilClosed repeats call until it fails with ErrClosed, which it must as
// soon as closed is true.
func untilClosed(closed *atomic.Bool, call func() error) error {
	for {
		late := closed.Load()
		err := call()
		switch {
		case errors.Is(err, store.ErrClosed):
			return nil
		case err != nil:
			return err
		case late:
			return errors.New("a call that came after Close did not fail")
		}
		runtime.Gosched()
	}
}

// workload is one step of the i-th of eight workers.
func workload(t tester, s store.Store, r *store.Record, i int) error {
	ctx := t.Context()
	switch i % 8 {
	case 0:
		_, err := s.Load(ctx, r.ID)
		return err
	case 1:
		err := s.Save(ctx, next(*r, "later"))
		if err == nil {
			*r = next(*r, "later")
		}
		return err
	case 2:
		fresh := newRecord("alice", "new")
		if err := s.Save(ctx, fresh); err != nil {
			return err
		}
		return s.Delete(ctx, fresh.ID)
	case 3:
		return s.Touch(ctx, r.ID, in(2*time.Hour))
	case 4:
		return s.Delete(ctx, store.NewID(time.Now()))
	case 5:
		_, err := list(ctx, s, "alice")
		return err
	case 6:
		_, err := list(ctx, s, "")
		return err
	default:
		_, err := s.Sweep(ctx, time.Now(), 10)
		return err
	}
}
