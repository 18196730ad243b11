package bolt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// What changes while the file is copied, everywhere and in every way, is in the copy,
// and so are the entries of the indexes, which the end of the test checks.
func TestCompact_whileEverythingChanges(t *testing.T) {
	soon := bolt.WithTouchInterval(time.Millisecond)
	for name, opts := range map[string][]bolt.Option{
		"with a journal":    {bolt.WithJournal(1 << 20), bolt.WithAutoCompact(false), soon},
		"without a journal": {bolt.WithJournal(0), soon},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, opts...)
			c := newChanger(t, s, 6000)
			stop := make(chan struct{})
			var changes sync.WaitGroup
			changes.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						c.change(t.Context(), i)
					}
				}
			})
			steps := 0
			for range 3 {
				require.NoError(t, s.ShrinkWhile(t.Context(), func() {
					steps++
					c.waitFor(50, s.WorkWaiting)
				}))
			}
			close(stop)
			changes.Wait()
			require.Greater(t, steps, 6, "the copies are made in many steps")
			require.NoError(t, c.err)
			c.requireAll(s)
			for s.Pending() > 0 { // else a crash may lose touches
				runtime.Gosched()
			}
			c.requireAll(reopen(t, crash(t, s)))
		})
	}
}

// A changer changes records at random, and knows what they are.
type changer struct {
	t    *testing.T
	s    *bolt.Store
	mu   sync.Mutex
	made int
	err  error
	live []store.Record
	gone []store.ID
}

func newChanger(t *testing.T, s *bolt.Store, records int) *changer {
	c := &changer{t: t, s: s}
	for i := range records {
		c.live = append(c.live, newRecord(fmt.Sprint("owner ", i%50), string(make([]byte, 1000))))
	}
	save(t, s, c.live...)
	return c
}

func (c *changer) change(ctx context.Context, n int) {
	var err error
	i := rand.IntN(len(c.live))
	r := &c.live[i]
	switch n % 5 {
	case 0:
		c.gone = append(c.gone, r.ID)
		err = c.s.Delete(ctx, r.ID)
		*r = newRecord("newcomers", fmt.Sprint(n))
		if err == nil {
			err = c.s.Save(ctx, *r)
		}
	case 1:
		r.Expires = r.Expires.Add(time.Minute)
		err = c.s.Touch(ctx, r.ID, r.Expires)
	case 2:
		old := newRecord("alice", "")
		old.Expires = time.Now().Add(-time.Minute).Truncate(time.Millisecond)
		if err = c.s.Save(ctx, old); err == nil {
			_, err = c.s.Sweep(ctx, time.Now(), 10)
		}
	default:
		r.Version++
		r.Owner, r.Data = fmt.Sprint("owner ", rand.IntN(50)), fmt.Append(nil, n)
		r.Expires = r.Expires.Add(-time.Second)
		err = c.s.Save(ctx, *r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made++; c.err == nil {
		c.err = err
	}
}

// waitFor waits until some more changes are made, or one waits for the database.
func (c *changer) waitFor(changes int, waits func() int) {
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.made
	}
	for enough := count() + changes; count() < enough && waits() == 0; {
		runtime.Gosched()
	}
}

func (c *changer) requireAll(s *bolt.Store) {
	c.t.Helper()
	holds(c.t, s, c.live...)
	require.Len(c.t, list(c.t, s, ""), len(c.live))
	for _, id := range c.gone {
		lacks(c.t, s, id)
	}
}

// Requests do not wait for a copy, however many come: what the journal has no room
// for is moved between its steps.
func TestCompact_requestsGoOn(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20), bolt.WithAutoCompact(false))
	newChanger(t, s, 24_000)
	data := string(make([]byte, 50_000))
	began := s.Stats()
	var saves sync.WaitGroup
	var during bolt.Stats
	require.NoError(t, s.ShrinkWhile(t.Context(), func() {
		during = s.Stats()
		for range 4 { // a group that is not too large for the journal
			saves.Go(func() {
				if err := s.Save(t.Context(), newRecord("", data)); err != nil {
					t.Error(err)
				}
			})
		}
		for s.WorkWaiting() == 0 && s.Stats().Changes < during.Changes+4 {
			runtime.Gosched()
		}
	}))
	saves.Wait()
	require.Greater(t, during.Changes-began.Changes, uint64(20), "a megabyte, which is all of the journal")
	require.Greater(t, during.Checkpoints, began.Checkpoints)
}

// A second compaction waits for the first, and for its own context.
func TestCompact_twice(t *testing.T) {
	s := open(t)
	newChanger(t, s, 100)
	second, gaveUp := make(chan error, 1), make(chan error, 1)
	var once sync.Once
	require.NoError(t, s.ShrinkWhile(t.Context(), func() {
		once.Do(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { second <- s.Compact(t.Context()) }()
			go func() { gaveUp <- s.Compact(ctx) }()
			for s.WorkWaiting() < 2 {
				runtime.Gosched()
			}
			cancel()
		})
	}))
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	require.NoError(t, <-second)
	require.EqualValues(t, 1, s.Stats().Compactions)
}
