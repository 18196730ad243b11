package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// Whatever the journal, the overlay and the database are doing: a call sees what
// the calls have done that returned before it began. The ring is small, so that
// states are moved all the time.
func TestLinear(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20), bolt.WithTouchInterval(time.Millisecond))
	h := &hammer{store: s, ctx: t.Context()}
	for range 3 {
		h.lives = append(h.lives, &life{id: store.NewID(time.Now())})
		c := newRecord("alice", "")
		save(t, s, c)
		h.races = append(h.races, &race{id: c.ID, floor: 1, won: map[uint64]int{}})
	}
	var writers, others sync.WaitGroup
	for i := range 3 {
		writers.Go(func() { h.times(400, func(n int) error { return h.lives[i].step(h, n) }) })
		writers.Go(func() { h.times(250, func(n int) error { return h.races[n%len(h.races)].step(h, i) }) })
	}
	for range 2 {
		others.Go(func() { h.forever(h.loadAll) })
	}
	others.Go(func() { h.forever(h.list) })
	others.Go(func() { h.forever(h.sweep) })
	writers.Wait()
	h.ended.Store(true)
	others.Wait()
	require.NoError(t, h.err)
	require.Greater(t, s.Stats().Checkpoints, uint64(3))
	require.NotZero(t, s.Stats().Compactions)
	require.NotZero(t, s.Stats().Swept)
	for _, r := range h.races {
		require.Len(t, r.won, int(r.floor)-1)
	}
}

// A hammer uses a store from many goroutines, until one of them sees what should
// not be.
type hammer struct {
	store *bolt.Store
	ctx   context.Context
	lives []*life
	races []*race
	ended atomic.Bool
	once  sync.Once
	err   error
}

func (h *hammer) fail(err error) {
	if err != nil {
		h.once.Do(func() { h.err = err })
		h.ended.Store(true)
	}
}

func (h *hammer) times(limit int, step func(n int) error) {
	for n := 0; n < limit && !h.ended.Load(); n++ {
		h.fail(step(n))
	}
}

func (h *hammer) forever(step func() error) {
	for !h.ended.Load() {
		h.fail(step())
	}
}

// loadAll loads each record once.
func (h *hammer) loadAll() error {
	for _, l := range h.lives {
		from := l.acknowledged.Load()
		r, err := h.store.Load(h.ctx, l.id)
		if err := l.fits(from, r, err); err != nil {
			return err
		}
	}
	for _, c := range h.races {
		from := c.acknowledged()
		r, err := h.store.Load(h.ctx, c.id)
		if err != nil {
			return err
		}
		if r.Version < from {
			return fmt.Errorf("loaded version %d after %d", r.Version, from)
		}
	}
	return nil
}

// list looks at all records at once.
func (h *hammer) list() error {
	var lives, races []uint64
	for i := range h.lives {
		lives, races = append(lives, h.lives[i].acknowledged.Load()), append(races, h.races[i].acknowledged())
	}
	listed := map[store.ID]store.Record{}
	for r, err := range h.store.List(h.ctx, "alice") {
		if err != nil {
			return err
		}
		if _, again := listed[r.ID]; again {
			return fmt.Errorf("listed %s twice", r.ID)
		}
		listed[r.ID] = r
	}
	for i, l := range h.lives {
		err := error(store.ErrNotFound)
		r, ok := listed[l.id]
		if ok {
			err = nil
		}
		if err := l.fits(lives[i], r, err); err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if got := listed[h.races[i].id].Version; got < races[i] {
			return fmt.Errorf("listed version %d after %d", got, races[i])
		}
	}
	return nil
}

func (h *hammer) sweep() error {
	if _, err := h.store.Sweep(h.ctx, time.Now(), 10); err != nil {
		return err
	}
	if err := h.store.Compact(h.ctx); err != nil {
		return err
	}
	_, err := h.store.Backup(io.Discard)
	return err
}

// A life is a record that one goroutine alters. Its states are numbered, and the
// record says in its expiry which one it is.
type life struct {
	id           store.ID
	version      uint64
	begun        atomic.Uint64
	acknowledged atomic.Uint64
}

// The states come round: two are saved, two touched, and then the record is gone:
// deleted or, every other time, expired.
const lifeStates = 5

func (l *life) gone(state uint64) bool { return state%lifeStates == 0 }

func lifeExpires(state uint64) time.Time { return time.UnixMilli(1<<42 + int64(state)) }

// step brings the record into its next state.
func (l *life) step(h *hammer, size int) error {
	state := l.begun.Add(1)
	err := l.change(h, state, size)
	l.acknowledged.Store(state)
	if err != nil {
		return fmt.Errorf("state %d: %w", state, err)
	}
	r, err := h.store.Load(h.ctx, l.id)
	return l.fits(state, r, err)
}

func (l *life) change(h *hammer, state uint64, size int) error {
	expires := lifeExpires(state)
	switch kind := state % lifeStates; {
	case l.gone(state) && state%2 == 0:
		return h.store.Delete(h.ctx, l.id)
	case l.gone(state):
		return h.store.Touch(h.ctx, l.id, time.UnixMilli(1))
	case kind == 2 || kind == 4:
		return h.store.Touch(h.ctx, l.id, expires)
	case kind == 1:
		l.version = 0
	}
	l.version++
	data := make([]byte, 1000+size*100%8000)
	return h.store.Save(h.ctx, store.Record{ID: l.id, Version: l.version, Owner: "alice", Expires: expires, Data: data})
}

// fits reports in which way what was read is none of the states from one on.
func (l *life) fits(from uint64, r store.Record, err error) error {
	to := l.begun.Load()
	if errors.Is(err, store.ErrNotFound) {
		for state := from; state <= to; state++ {
			if l.gone(state) {
				return nil
			}
		}
		return fmt.Errorf("not found in any of the states %d to %d", from, to)
	}
	state := uint64(r.Expires.UnixMilli() - 1<<42)
	if err == nil && (state < from || state > to || l.gone(state)) {
		return fmt.Errorf("state %d, not one of %d to %d", state, from, to)
	}
	return err
}

// A race is a record that several goroutines save: each version has one winner.
type race struct {
	id    store.ID
	mu    sync.Mutex
	floor uint64         // the newest version that was acknowledged
	won   map[uint64]int // by whom
}

func (c *race) acknowledged() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

func (c *race) step(h *hammer, who int) error {
	r, err := h.store.Load(h.ctx, c.id)
	if err != nil {
		return err
	}
	r.Version++
	r.Data = fmt.Appendf(make([]byte, 2000), "by %d", who)
	switch err := h.store.Save(h.ctx, r); {
	case errors.Is(err, store.ErrConflict):
		return h.store.Touch(h.ctx, c.id, r.Expires.Add(time.Millisecond))
	case err != nil:
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.won[r.Version]; ok {
		return fmt.Errorf("version %d was saved by %d and by %d", r.Version, other, who)
	}
	c.won[r.Version], c.floor = who, max(c.floor, r.Version)
	return nil
}
