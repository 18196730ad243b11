package gimlet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Done returns a channel that is closed when the session ends: by Destroy,
// revocation or expiry, or when the manager closes. Loops that serve
// server-sent events or a WebSocket stop when it does, or when the request's
// context does. In this process it is closed at once; an end that another
// process brought about is noticed within 10 seconds. For a request without
// a session it is closed only with the manager.
//
// The channel is of use while the handler runs, and after it only if the
// connection was hijacked.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() || s.ended {
		return s.m.closing
	}
	if s.watch == nil || s.watch.id != s.token.id {
		s.m.watches.leave(s.watch)
		s.watch = s.m.watches.join(s.token.id, s.state.expires, s.state.has(flagStored))
		// It may have ended after it was loaded, before anybody watched.
		stored := s.state.has(flagStored) && !s.issue.unannounced
		if s.state.generation != s.m.generation.Load() ||
			s.m.revoked.blocks(s.token.id, revokedForever-1, s.m.now()) ||
			stored && s.m.expiryOf(s.ctx, s.token.id) == 0 {
			s.m.watches.end(s.token.id)
		}
	}
	return s.watch.done
}

// watches are the sessions that somebody waits for the end of: one watch a
// session, however many handles share it.
type watches struct {
	m    *Manager
	mu   sync.Mutex
	byID map[store.ID]*watch
}

type watch struct {
	id     store.ID
	users  int
	stored bool // the session has a record
	done   chan struct{}
	timer  *time.Timer
}

func (w *watches) join(id store.ID, expires int64, stored bool) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.byID[id]
	if v == nil {
		v = &watch{id: id, stored: stored, done: make(chan struct{})}
		select {
		case <-w.m.closing:
			close(v.done)
			return v
		default:
		}
		if w.byID == nil {
			w.byID = make(map[store.ID]*watch)
		}
		w.byID[id] = v
		v.timer = time.AfterFunc(w.m.until(expires), func() { w.expire(id) })
	}
	v.users++
	return v
}

// leave takes back a join, if v is not nil.
func (w *watches) leave(v *watch) {
	if v == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.users--; v.users == 0 && w.byID[v.id] == v {
		v.timer.Stop()
		delete(w.byID, v.id)
	}
}

// until is the time from now to a time in milliseconds.
func (m *Manager) until(ms int64) time.Duration {
	return time.Until(time.UnixMilli(ms))
}

// extend moves the end of a session, if it is watched.
func (w *watches) extend(id store.ID, expires int64, stored bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.byID[id]; v != nil {
		v.stored = stored
		v.timer.Reset(w.m.until(expires))
	}
}

// stored reports whether a watched session has a record.
func (w *watches) stored(id store.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.byID[id]
	return v != nil && v.stored
}

// expire ends a watched session whose time is over, unless it was extended.
func (w *watches) expire(id store.ID) {
	if w.stored(id) {
		w.check(context.Background(), id)
	} else {
		w.end(id)
	}
}

// check looks whether a session with a record is still alive.
func (w *watches) check(ctx context.Context, id store.ID) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	switch expires := w.m.expiryOf(ctx, id); {
	case expires > w.m.now():
		w.extend(id, expires, true)
	case w.stored(id): // it may have moved into the cookie meanwhile
		w.end(id)
	}
}

// checkAll looks for sessions that another process has ended.
func (w *watches) checkAll(ctx context.Context) {
	for _, id := range w.ids() {
		switch {
		case w.stored(id):
			w.check(ctx, id)
		case w.m.revoked.blocks(id, revokedForever-1, w.m.now()):
			w.end(id)
		}
	}
}

// expiryOf returns when a session with a record expires; 0 if it is no more.
// While the store fails it is believed to live for a moment.
func (m *Manager) expiryOf(ctx context.Context, id store.ID) int64 {
	rec, err := m.loadRecord(ctx, id)
	var st state
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0
	case err != nil:
		return m.now() + refreshEvery.Milliseconds()
	case st.readRecord(rec) != nil || st.generation != m.generation.Load():
		return 0
	}
	return min(st.expires, st.ends)
}

// end closes the channel of a session that has ended.
func (w *watches) end(id store.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.byID[id]; v != nil {
		v.timer.Stop()
		close(v.done)
		delete(w.byID, id)
	}
}

// endAll closes all channels.
func (w *watches) endAll() {
	for _, id := range w.ids() {
		w.end(id)
	}
}

func (w *watches) ids() []store.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]store.ID, 0, len(w.byID))
	for id := range w.byID {
		ids = append(ids, id)
	}
	return ids
}
