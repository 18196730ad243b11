package bolt

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// All changes go through one goroutine, the writer. Whoever wants a change
// puts a request into the queue and waits for its result; the writer takes all
// requests that wait and serves them together. There is no delay to gather
// more: while one group is being synced the next one gathers by itself.
const (
	queueLength   = 1024
	maxGroup      = 1024
	maxGroupBytes = 4 << 20
)

// A request asks the writer for one of three things.
type request struct {
	change change       // is made durable before it is answered
	touch  *touchChange // is answered before it is durable
	job    func() error // runs alone, after the group

	ctx   context.Context
	state atomic.Int32
	err   error         // the result, once done says so
	done  chan struct{} // has room for that: the writer never waits for a caller
}

// finish hands the result to the caller.
func (r *request) finish(err error) {
	r.err = err
	r.done <- struct{}{}
}

// A change alters records. apply does all its checks before it stages
// anything, and begins anew each time that it is called.
type change interface {
	apply(d *decision) error
	key() store.ID // the record that it is about
	size() int     // about how many bytes it writes
}

// The states of a request. Its first change decides between the writer, who
// takes it, and the caller, who gives up waiting.
const (
	waiting = iota
	taken
	abandoned
)

func (r *request) claim(state int32) bool { return r.state.CompareAndSwap(waiting, state) }

// undone is the error of a request that nobody has begun.
func (r *request) undone(err error) error {
	if r.job != nil {
		return err
	}
	return notSaved(err)
}

// submit hands r to the writer and waits for its result, until ctx is done.
func (s *Store) submit(ctx context.Context, r *request) error {
	return s.submitTo(ctx, s.queue, r)
}

func (s *Store) submitTo(ctx context.Context, queue chan<- *request, r *request) error {
	r.ctx, r.done = ctx, make(chan struct{}, 1)
	select {
	case queue <- r:
	case <-ctx.Done():
		return r.undone(ctx.Err())
	case <-s.closing:
		return s.closed()
	case <-s.failure.happened:
		return s.failure.get()
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return s.leave(r, r.undone(ctx.Err()), fmt.Errorf("bolt: %s: the outcome is not known: %w", s.path, ctx.Err()))
	case <-s.stopped:
		return s.leave(r, s.ended(), s.ended())
	case <-s.givenUp:
		return s.leave(r, s.closed(), fmt.Errorf("bolt: %s: the outcome is not known: %w: %w", s.path, ErrStuck, store.ErrClosed))
	case <-s.failure.happened:
		return s.leave(r, s.failure.get(), s.failure.get())
	}
}

// ended says why nobody takes requests any more.
func (s *Store) ended() error {
	if err := s.failure.get(); err != nil {
		return err
	}
	return s.closed()
}

// leave ends the wait for r: with its result if there is one, with early if
// the writer has not taken it and now never will, and else with late.
func (s *Store) leave(r *request, early, late error) error {
	if r.claim(abandoned) {
		return early
	}
	select {
	case <-r.done:
		return r.err
	default:
		return late
	}
}

// write is the writer. It ends when the store is closed or has failed.
func (s *Store) write() {
	defer close(s.written)
	flush := time.NewTimer(0)
	flush.Stop()
	armed := false
	for s.failure.get() == nil {
		if !armed {
			armed = s.arm(flush)
		}
		select {
		case r := <-s.queue:
			s.round(r, false)
		case <-flush.C:
			// What could not be written waits its turn: the timer is armed
			// again at the top. What one group did not hold does not wait.
			armed = false
			before := s.overlay.waiting()
			s.round(nil, true)
			if left := s.overlay.waiting(); left > 0 && left < before {
				flush.Reset(0)
				armed = true
			}
		case <-s.closing:
			s.drain()
			return
		case <-s.failure.happened:
			return
		}
	}
}

// doubtInterval is the least time between two attempts to end a doubt for which nobody
// has asked.
const doubtInterval = time.Second

// arm sets the timer of the next flush, if something waits for one.
func (s *Store) arm(flush *time.Timer) bool {
	switch {
	case s.overlay.waiting() > 0:
		flush.Reset(s.options.touchInterval)
	case s.inDoubt():
		flush.Reset(max(s.options.touchInterval, doubtInterval))
	default:
		return false
	}
	return true
}

// drain serves what waits when the store is closed.
func (s *Store) drain() {
	for {
		select {
		case r := <-s.queue:
			s.round(r, false)
		default:
			return
		}
	}
}

// round serves first and all that wait behind it.
func (s *Store) round(first *request, flush bool) {
	// Among many let those who are about to ask do so: it makes groups half as
	// large again. On one processor they ask now or after the group, so there
	// nobody would ever share one with the caller that runs in turn with us.
	if s.crowd > 1 || runtime.GOMAXPROCS(0) == 1 {
		runtime.Gosched()
	}
	g := s.collect(first)
	s.serve(&g, flush)
	s.crowd = len(g.changes) + len(s.queue)
	for _, r := range g.jobs {
		r.finish(r.job())
	}
	s.pace()
}

func (s *Store) collect(first *request) group {
	var g group
	if first != nil {
		g.add(first)
	}
	for !g.full() {
		select {
		case r := <-s.queue:
			g.add(r)
		default:
			return g
		}
	}
	return g
}
