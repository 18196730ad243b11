package truth_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Blows are what a hammer does to a manager.
type blows struct {
	hammer
	manager                     *gimlet.Manager
	reads, wrong, changes, ends atomic.Int64
	failed                      atomic.Pointer[error]
}

// A target is a session that is under the hammer.
type target struct {
	token string
	floor atomic.Int64 // what every read that begins now must show, or more
	ended atomic.Bool  // what begins now must find nothing
}

func (b *blows) target() (*target, error) {
	s := b.manager.Begin(context.Background())
	guestCount.Set(s, 1)
	s.Set("text", rig.Text(rand.IntN(100)))
	if err := s.Commit(context.Background()); err != nil {
		return nil, err
	}
	token, err := s.Token()
	x := &target{token: token}
	x.floor.Store(1)
	return x, err
}

// look reads a session once, and judges what it shows.
func (b *blows) look(x *target) {
	floor, ended := x.floor.Load(), x.ended.Load()
	s, err := b.manager.Load(context.Background(), x.token)
	gone := errors.Is(err, gimlet.ErrNoSession)
	if err != nil && !gone {
		b.fail(err)
		return
	}
	b.reads.Add(1)
	n := 0
	if !gone {
		n, _ = guestCount.Get(s)
	}
	if ended && !gone || !ended && int64(n) < floor {
		b.wrong.Add(1)
	}
}

func (b *blows) fail(err error) { b.failed.CompareAndSwap(nil, &err) }

// over reports whether it is enough.
func (b *blows) over(enough bool) bool {
	return enough || b.failed.Load() != nil || b.Found && b.wrong.Load() > 0
}

// change adds one to the number of a session.
func (b *blows) change(x *target) {
	s, err := b.manager.Load(context.Background(), x.token)
	if err == nil {
		guestCount.Update(s, func(n int) int { return n + 1 })
		err = s.Commit(context.Background())
	}
	if err != nil {
		if !b.Found || !errors.Is(err, gimlet.ErrNotSaved) { // who reads what is old saves nothing
			b.fail(err)
		}
		return
	}
	n, _ := guestCount.Get(s)
	raise(&x.floor, int64(n))
	b.changes.Add(1)
}

// raise makes floor at least n.
func raise(floor *atomic.Int64, n int64) {
	for {
		old := floor.Load()
		if old >= n || floor.CompareAndSwap(old, n) {
			return
		}
	}
}

// stale has readers look for a number that is older than one whose change had been
// acknowledged before they began.
func (b *blows) stale() error {
	targets := make([]*target, b.Sessions)
	for i := range targets {
		var err error
		if targets[i], err = b.target(); err != nil {
			return err
		}
	}
	enough := func() bool { return b.over(b.reads.Load() >= b.Reads) }
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for !enough() {
				b.change(targets[rand.IntN(len(targets))])
				runtime.Gosched()
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for n := 0; !enough(); n++ {
				if n%8 == 0 {
					runtime.Gosched() // a read is so short that the writers would never run
				}
				b.look(targets[rand.IntN(len(targets))])
			}
		})
	}
	all.Wait()
	return b.error()
}

func (b *blows) error() error {
	if err := b.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// ghosts has readers look for sessions whose end had been acknowledged before they began.
func (b *blows) ghosts() error {
	var current atomic.Pointer[target]
	var all sync.WaitGroup
	var over atomic.Bool
	for range 3 {
		all.Go(func() {
			for !over.Load() {
				if x := current.Load(); x != nil {
					b.look(x)
				}
				runtime.Gosched()
			}
		})
	}
	for n := 0; !b.over(n >= b.Ends); n++ {
		x, err := b.target()
		if err != nil {
			b.fail(err)
			break
		}
		x.floor.Store(0) // it may be found or not, until it has ended
		current.Store(x)
		b.look(x)
		b.end(x)
		for range 3 {
			b.look(x)
			runtime.Gosched()
		}
	}
	over.Store(true)
	all.Wait()
	return b.error()
}

// end destroys a session.
func (b *blows) end(x *target) {
	s, err := b.manager.Load(context.Background(), x.token)
	if err == nil {
		err = s.Destroy(context.Background())
	}
	if err != nil {
		b.fail(err)
		return
	}
	x.ended.Store(true)
	b.ends.Add(1)
}
