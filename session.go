package gimlet

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A Session is one request's handle on a session: what a browser's token
// names on the server, and what lives in its cookies.
//
// A Session comes from [From] or [FromContext] inside [Manager.Handler], and
// without HTTP from [Manager.Begin] and [Manager.Load]. It is never nil.
//
// Nothing is read until the first access, and nothing is written unless
// something changed. Reading where there is no session reads as empty and
// creates nothing; the first Set begins a session. Changes are saved once,
// right before the first byte of the response leaves, so a response that the
// client sees is one whose changes are kept. Changes made after that are saved
// when the handler returns, as far as they need no cookie. A handle that
// outlives its request needs [Session.Commit].
//
// Use a session before the first byte of a page that depends on it: of a first
// use after that no header can tell caches, and a warning is logged.
//
// Methods that return no error report a failure through [Session.Err]. Once a
// session has failed, reads give nothing, nothing is saved, and the response
// is replaced by the error handler's (see [WithErrorHandler]).
//
// A Session is safe for concurrent use.
type Session struct {
	m   *Manager
	ctx context.Context // of the request, for reads that have none of their own
	req *http.Request   // nil without HTTP

	mu     sync.Mutex
	used   bool // something was asked of it
	opened bool // the cookie, if any, was looked at
	live   bool // there is a session
	fresh  bool // it was begun by this handle
	loaded bool // state holds the record, if there is one
	over   bool // the request's headers are out
	late   bool // its first use came after the headers, and no line of the log says so yet
	ended  bool // the handler has returned
	// hijacked: what the handler began goes on after it has returned.
	hijacked bool
	err      error
	warning  error
	watch    *watch

	// What the session holds, nil until something was asked of it: a request
	// that leaves its session alone pays for none of it.
	*held
}

// held is the part of a Session that only its use needs.
type held struct {
	token token
	// remembered is what was known of the request's cookie before it came, and
	// spares some work; nil if nothing was.
	remembered *openedEnvelope
	openedAt   int64 // ms, when the cookies were opened; 0 unless it was a moment ago
	// sealedBy: the ring keys that sealed what it was opened from, its cookie
	// or token and the second cookie. 0 is none.
	sealedBy [2]uint32

	state  state
	intent intent
	next   secret // of a renewal that intent asks for

	tag      tag // of this browser's run; zero: none yet
	tagFresh bool
	issue    issue

	bound   bool // binding is known
	binding binding

	// overtaken: the request's token was replaced a moment ago by a Login or
	// Renew of another one.
	overtaken bool

	vary [1]string // the header of that name: one allocation less
}

// Err returns why this session failed, or nil. It also reports what did not
// make the session fail but was not done: a value of another type than the
// key's, a client-side change after the headers.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.warning
}

// fail makes the session fail: nothing of it is saved or shown from now on.
func (s *Session) fail(err error) error {
	if s.err != nil {
		return s.err
	}
	s.err = err
	if interrupted(s.ctx, err) {
		// Nobody is there to be served: nothing is wrong with the session.
		s.m.log(s.ctx, slog.LevelDebug, "request ended before its session was there", s, slog.Any("error", err))
		return err
	}
	s.m.stats.failures.Add(1)
	s.m.log(s.ctx, slog.LevelError, "session failed", s, slog.Any("error", err))
	s.emit(Event{Kind: EventFailed, ID: s.token.id, Err: err})
	return err
}

// warn reports an error that costs one operation, not the session.
func (s *Session) warn(err error) {
	if errors.Is(err, ErrHeadersSent) {
		s.late = false // this says it, and more
	}
	if s.warning == nil {
		s.warning = err
	}
	s.m.log(s.ctx, slog.LevelWarn, "session operation not done", s, slog.Any("error", err))
}

// ID returns the session's ID, which opens nothing and may be logged and
// shown. It is the zero ID when there is no session, as far as the cookie
// tells: ID asks no store, so a copy of a cookie of a session that has ended
// may still give its ID. [Session.Owner] or [Session.Created] know.
func (s *Session) ID() store.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open() {
		return store.ID{}
	}
	return s.token.id
}

// Owner returns whom the session was bound to by [Session.Login], or "".
func (s *Session) Owner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		return ""
	}
	if s.intent.login {
		return s.intent.owner
	}
	return s.state.owner
}

// IsNew reports whether the session was begun by this request.
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open() && s.fresh
}

// Created returns when the session began, to the millisecond; the zero time
// when there is none.
func (s *Session) Created() time.Time {
	return s.time(func(st *state) int64 { return st.created })
}

// LastSeen returns the last use of the session that was written down. It lags
// behind by up to a tenth of the idle timeout, since not every use is written.
func (s *Session) LastSeen() time.Time {
	return s.time((*state).lastSeen)
}

// Expires returns when the session ends if it is not used again, by idle
// timeout or lifetime, whichever comes first.
func (s *Session) Expires() time.Time {
	return s.time(func(st *state) int64 {
		next := st.head
		s.intent.timing(&s.m.cfg, &next, s.m.now())
		if s.state.has(flagStored) && s.loaded && next == st.head {
			return st.expires
		}
		return next.deadline()
	})
}

func (s *Session) time(of func(*state) int64) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		return time.Time{}
	}
	return time.UnixMilli(of(&s.state))
}

// makeTag begins a run of the browser: transient values belong to it.
func (s *Session) makeTag() {
	rand.Read(s.tag[:])
	s.tagFresh = true
}
