package gimlet

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// An Event is something that happened to a session and that a program may want
// to record or act upon, for [WithEvents]. It never holds a token, a cookie, a
// ring key or a value, not in the text of Err either.
type Event struct {
	Kind   EventKind
	Time   time.Time // UTC
	ID     store.ID  // the session's; zero when there is none
	Owner  string    // if known
	Peer   string    // the address that the request came from, as net/http tells it; "" without HTTP
	Reason Reason    // of EventRejected and EventEnded
	Err    error     // of EventFailed, EventCorrupt and EventLimit
}

// An EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	EventCreated     EventKind = iota + 1 // a session was begun and saved
	EventLogin                            // Login bound it to an owner
	EventRenewed                          // it got a new token
	EventEnded                            // it was destroyed or revoked; see Reason
	EventRevokedAll                       // RevokeAll ended every session
	EventRejected                         // a cookie or token was not accepted; see Reason
	EventLimit                            // it would have exceeded a limit
	EventCorrupt                          // a stored value could not be read
	EventFailed                           // a session failed; see Session.Err
	EventKeyRotated                       // a ring key was made
	EventKeysRevoked                      // RevokeKeys removed ring keys
	EventMoved                            // a cookie came with another property than WithBinding saw before
)

var eventNames = [...]string{
	EventCreated: "created", EventLogin: "login", EventRenewed: "renewed", EventEnded: "ended",
	EventRevokedAll: "revoked all", EventRejected: "rejected", EventLimit: "limit", EventCorrupt: "corrupt",
	EventFailed: "failed", EventKeyRotated: "key rotated", EventMoved: "moved", EventKeysRevoked: "keys revoked",
}

// String returns the kind in lower-case words.
func (k EventKind) String() string { return nameOf(eventNames[:], int(k)) }

// A Reason says why a session ended, or why a cookie or token was rejected.
// Clients never learn it.
type Reason uint8

// The reasons.
const (
	ReasonLogout    Reason = iota + 1 // Destroy
	ReasonLogin                       // Login as somebody else
	ReasonRevoked                     // Revoke, RevokeOwner or RevokeAll
	ReasonLimit                       // WithMaxSessionsPerOwner
	ReasonExpired                     // idle timeout or lifetime
	ReasonUnknown                     // no such record: never made, deleted or expired
	ReasonStale                       // the secret is not the session's any more
	ReasonMalformed                   // not an envelope of ours
	ReasonTampered                    // does not authenticate
	ReasonStaleKey                    // sealed with a key that is not in the ring
	ReasonDuplicate                   // several cookies of our name
	ReasonFuture                      // made in the future
	ReasonBinding                     // WithBinding says otherwise; also of EventEnded, by BindingEnd
	ReasonCorrupt                     // the record cannot be read
)

var reasonNames = [...]string{
	ReasonLogout: "logout", ReasonLogin: "login", ReasonRevoked: "revoked", ReasonLimit: "limit",
	ReasonExpired: "expired", ReasonUnknown: "unknown", ReasonStale: "stale", ReasonMalformed: "malformed",
	ReasonTampered: "tampered", ReasonStaleKey: "stale key", ReasonDuplicate: "duplicate",
	ReasonFuture: "future", ReasonBinding: "binding", ReasonCorrupt: "corrupt",
}

// String returns the reason in lower-case words.
func (r Reason) String() string { return nameOf(reasonNames[:], int(r)) }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}

// WithEvents has f called for every [Event], after it has happened, in the
// goroutine that caused it. f must be quick and safe for concurrent use, and
// must not use the session, nor wait for RevokeOwner or for another session's
// Login: start a goroutine for that. The context is that of the request, or of the call
// that caused the event, so that f can find what the program keeps there. If f
// panics, that is logged and changes nothing.
func WithEvents(f func(context.Context, Event)) Option {
	return func(c *config) { c.events = f }
}

func (m *Manager) emit(ctx context.Context, e Event) {
	f := m.cfg.events
	if f == nil {
		return
	}
	e.Time = time.UnixMilli(m.now()).UTC()
	e.Err = loggable(e.Err)
	defer func() {
		if v := recover(); v != nil {
			m.log(ctx, slog.LevelError, "the function of WithEvents panicked", nil,
				slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	f(ctx, e)
}

// emit is [Manager.emit] for what a request has caused.
func (s *Session) emit(e Event) {
	e.Peer = s.peer()
	s.m.emit(s.ctx, e)
}

// reject counts and tells that a cookie, token or record was not accepted.
func (s *Session) reject(reason Reason, id store.ID, err error) {
	s.m.stats.rejected.Add(1)
	s.emit(Event{Kind: EventRejected, Reason: reason, ID: id, Err: err})
}

// peer is the address of the client, as far as the connection tells it. What
// a proxy says of it is for the program to judge.
func (s *Session) peer() string {
	if s.req == nil {
		return ""
	}
	return s.req.RemoteAddr
}

// log writes a log line. It names the session by its ID, which opens nothing.
func (m *Manager) log(ctx context.Context, level slog.Level, message string, s *Session, attrs ...slog.Attr) {
	logger := m.cfg.logger
	if logger == nil {
		logger = slog.Default()
	}
	if ctx == nil {
		ctx = context.Background()
	}
	for i, a := range attrs {
		if err, ok := a.Value.Any().(error); ok {
			attrs[i].Value = slog.AnyValue(loggable(err))
		}
	}
	if s != nil && s.token.id != (store.ID{}) {
		attrs = append(attrs, slog.String("session", s.token.id.String()))
	}
	logger.LogAttrs(ctx, level, "gimlet: "+message, attrs...)
}
