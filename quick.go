package gimlet

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/store"
)

// quickSaves are the saves that nobody waits for. Whoever loads such a session
// in this process waits until its save is done, so that reads see it.
type quickSaves struct {
	pending atomic.Int64 // length of last; saves the lock when nothing is Quick
	mu      sync.Mutex
	last    map[store.ID]chan struct{} // closed when the newest save is done
	saves   int
	closed  bool
	running sync.WaitGroup
}

// maxQuick bounds the saves under way; beyond it a Quick save is an ordinary one.
const maxQuick = 1024

// wait waits for the saves of a session that are under way.
func (q *quickSaves) wait(ctx context.Context, id store.ID) error {
	if q.pending.Load() == 0 {
		return nil
	}
	q.mu.Lock()
	done := q.last[id]
	q.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start runs save after the earlier saves of the same session. It reports
// false when there are too many.
func (q *quickSaves) start(id store.ID, save func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.saves >= maxQuick {
		return false
	}
	if q.last == nil {
		q.last = make(map[store.ID]chan struct{})
	}
	before, done := q.last[id], make(chan struct{})
	q.last[id] = done
	q.saves++
	q.pending.Store(int64(len(q.last)))
	q.running.Go(func() {
		if before != nil {
			<-before
		}
		save()
		q.finish(id, done)
	})
	return true
}

func (q *quickSaves) finish(id store.ID, done chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(done)
	q.saves--
	if q.last[id] == done {
		delete(q.last, id)
		q.pending.Store(int64(len(q.last)))
	}
}

// close waits for the saves under way and starts no more.
func (q *quickSaves) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.running.Wait()
}

// quickEnough reports whether nobody need wait for the save of next: all that
// changed is Quick, and there is nothing to tell the browser.
func (s *Session) quickEnough(next *state) bool {
	if s.next != (secret{}) || s.issue.reseal || !s.intent.quickOnly() {
		return false
	}
	before := s.issue
	defer func() { s.issue = before }()
	s.issue.main, s.issue.transient = false, false
	s.planCookies(next)
	return !s.issue.main && !s.issue.transient
}

// saveQuick saves the changes of s without waiting. A failure is logged, since
// the request has been answered.
func (m *Manager) saveQuick(s *Session) bool {
	ctx := context.WithoutCancel(s.ctx)
	q := &Session{
		m: m, ctx: ctx, req: s.req,
		used: true, opened: true, live: true, loaded: true, over: true, ended: true,
		held: &held{token: s.token, state: s.state, intent: s.intent, tag: s.tag, tagFresh: s.tagFresh},
	}
	ctx = m.deadlines.context(ctx) // from now on, also for one that waits for its turn
	started := m.quick.start(s.token.id, func() {
		if err := q.saveGuarded(ctx); err != nil {
			m.log(ctx, slog.LevelError, "quick save lost", q, slog.Any("error", err))
		}
	})
	if started {
		m.stats.quick.Add(1)
	}
	return started
}

// saveGuarded is saveLate with a panic of the program's code, the function of an
// Update or the codec, as an error: here no server recovers it.
func (s *Session) saveGuarded(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = misuse("a panic with a %T\n%s", v, debug.Stack()) // what it holds may be a value
		}
	}()
	return s.saveLate(ctx)
}

// saveLate is commit for a handle whose request is answered, and whose load
// must not wait for itself.
func (s *Session) saveLate(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for again := false; ; again = true {
		next, err := s.after(s.m.now(), again)
		if err == nil && again {
			err = s.checkSize(&next)
		}
		if err != nil {
			return err
		}
		gone, retry, err := s.save(ctx, &next)
		switch {
		case err != nil:
			return err
		case gone:
			return ErrGone
		case !retry:
			return nil
		}
		rec, err := s.m.store.Load(ctx, s.token.id)
		if err != nil {
			return err
		}
		var newest state
		if err := newest.readRecord(rec); err != nil {
			return err
		}
		if s.admit(&newest) != 0 {
			return ErrGone
		}
		s.adopt(&newest)
	}
}
