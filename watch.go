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
// server-sent events or a WebSocket stop when it does. In this process it is
// closed at once; an end that another process brought about is noticed within
// half a minute. For a request without a session it is closed only with the
// manager.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() || s.ended {
		return s.m.closing
	}
	if s.watch != nil && s.watch.id == s.token.id {
		return s.watch.done
	}
	if s.watch != nil {
		s.m.watches.remove(s.watch)
	}
	s.watch = s.m.watches.add(s.token.id, s.state.expires, s.state.has(flagStored))
	return s.watch.done
}

// watches are the sessions that somebody waits for the end of.
type watches struct {
	m    *Manager
	mu   sync.Mutex
	byID map[store.ID]map[*watch]struct{}
}

type watch struct {
	id     store.ID
	stored bool // the session has a record
	done   chan struct{}
	timer  *time.Timer
}

func (w *watches) add(id store.ID, expires int64, stored bool) *watch {
	v := &watch{id: id, stored: stored, done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.m.closing:
		close(v.done)
		return v
	default:
	}
	if w.byID == nil {
		w.byID = make(map[store.ID]map[*watch]struct{})
	}
	if w.byID[id] == nil {
		w.byID[id] = make(map[*watch]struct{})
	}
	w.byID[id][v] = struct{}{}
	v.timer = time.AfterFunc(w.m.until(expires), func() { w.expire(v) })
	return v
}

// until is the time from now to a time in milliseconds.
func (m *Manager) until(ms int64) time.Duration {
	return time.Until(time.UnixMilli(ms))
}

// extend moves the end of the watched handles of a session.
func (w *watches) extend(id store.ID, expires int64, stored bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for v := range w.byID[id] {
		v.stored = stored
		v.timer.Reset(w.m.until(expires))
	}
}

// expire ends a watched session whose time is over, unless it was extended.
func (w *watches) expire(v *watch) {
	w.mu.Lock()
	stored := v.stored
	w.mu.Unlock()
	if stored {
		w.check(context.Background(), v.id)
	} else {
		w.end(v.id)
	}
}

// check looks whether a session with a record is still alive.
func (w *watches) check(ctx context.Context, id store.ID) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if expires := w.m.expiryOf(ctx, id); expires > w.m.now() {
		w.extend(id, expires, true)
	} else {
		w.end(id)
	}
}

// checkAll looks for sessions that another process has ended.
func (w *watches) checkAll(ctx context.Context) {
	for _, id := range w.ids() {
		w.mu.Lock()
		stored := false
		for v := range w.byID[id] {
			stored = stored || v.stored
		}
		w.mu.Unlock()
		switch {
		case stored:
			w.check(ctx, id)
		case w.m.revoked.blocks(id, 0, w.m.now()):
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

// remove forgets a watch whose handle is done with.
func (w *watches) remove(v *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.byID[v.id][v]; !ok {
		return
	}
	v.timer.Stop()
	delete(w.byID[v.id], v)
	if len(w.byID[v.id]) == 0 {
		delete(w.byID, v.id)
	}
}

// end closes the channels of a session that has ended.
func (w *watches) end(id store.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for v := range w.byID[id] {
		v.timer.Stop()
		close(v.done)
	}
	delete(w.byID, id)
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
