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

// A history is what one writer does to one ID, state after state, while
// others read. With one writer the order of the states is known, so a read is
// right exactly if it shows a state between the last that was acknowledged
// before it began and the last that had been begun when it ended.
type history struct {
	id     store.ID
	owner  string
	states []store.Record // Version 0: there is no record
	begun  atomic.Int64   // the index of the newest state that was asked for
	acked  atomic.Int64   // the index of the newest state that was acknowledged
}

const (
	// historySteps and historyTime end a history, whichever comes first: a
	// fast store is tried often, a slow one not for long.
	historySteps = 1500
	historyTime  = 300 * time.Millisecond
)

func concurrentHistory(t tester, open func() store.Store) {
	s := open()
	const histories, readers = 3, 3
	err := together(histories, func(i int) error {
		h := &history{
			id:     store.NewID(time.Now()),
			owner:  fmt.Sprintf("owner %d", i),
			states: make([]store.Record, historySteps+1),
		}
		over := make(chan struct{})
		return together(1+readers, func(reader int) error {
			switch reader {
			case 0:
				defer close(over)
				return h.write(t, s)
			case 1:
				return until(over, func() error { return h.list(t, s) })
			default:
				seen := int64(0)
				return until(over, func() (err error) {
					seen, err = h.load(t, s, seen)
					return err
				})
			}
		})
	})
	require.NoError(t, err)
}

// write goes from state to state: inserted, saved, touched, saved, deleted.
func (h *history) write(t tester, s store.Store) error {
	end := time.Now().Add(historyTime)
	for i := 1; i <= historySteps && time.Now().Before(end); i++ {
		r := h.states[i-1]
		var write func() error
		switch i % 7 {
		case 1:
			r = newRecord(h.owner, fmt.Sprintf("state %d", i))
			r.ID = h.id
			write = func() error { return s.Save(t.Context(), r) }
		case 3, 5:
			r.Expires = r.Expires.Add(time.Minute)
			write = func() error { return s.Touch(t.Context(), h.id, r.Expires) }
		case 0:
			r = store.Record{}
			write = func() error { return s.Delete(t.Context(), h.id) }
		default:
			r = next(r, fmt.Sprintf("state %d", i))
			write = func() error { return s.Save(t.Context(), r) }
		}
		h.states[i] = copied(r)
		h.begun.Store(int64(i))
		if err := write(); err != nil {
			return fmt.Errorf("to state %d: %w", i, err)
		}
		h.acked.Store(int64(i))
		runtime.Gosched() // let the readers in, also on one processor
	}
	return nil
}

// load reads once and returns the index of the state that it saw, which is
// not before seen, what the same reader has seen already.
func (h *history) load(t tester, s store.Store, seen int64) (int64, error) {
	from := max(seen, h.acked.Load())
	r, err := s.Load(t.Context(), h.id)
	if errors.Is(err, store.ErrNotFound) {
		r, err = store.Record{}, nil
	}
	if err != nil {
		return 0, err
	}
	return h.find(r, from, h.begun.Load())
}

func (h *history) list(t tester, s store.Store) error {
	from := h.acked.Load()
	records, err := list(t.Context(), s, h.owner)
	to := h.begun.Load()
	if err != nil {
		return err
	}
	if len(records) == 0 {
		records = []store.Record{{}}
	}
	for _, r := range records {
		if _, err := h.find(r, from, to); err != nil {
			return fmt.Errorf("list %q: %w", h.owner, err)
		}
	}
	return nil
}

// find returns the index of the first state in the range that r shows.
func (h *history) find(r store.Record, from, to int64) (int64, error) {
	for i := from; i <= to; i++ {
		if same(h.states[i], r) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("read what is in none of the states %d to %d: %s\nthe first of them: %s",
		from, to, describe(r), describe(h.states[from]))
}
