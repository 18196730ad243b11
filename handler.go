package gimlet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// A request is what the middleware keeps of one: the context that leads to
// the session, the session, and the response writer, in one allocation.
type request struct {
	context.Context
	session Session
	writer  responseWriter
}

// String keeps the session out of what is printed of a context.
func (r *request) String() string { return "gimlet.Manager.Handler" }

// Format prints String for every verb: some of them would walk through the
// fields otherwise.
func (r *request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

type innermost struct{}

// Value makes the session found by its manager and, as the innermost of
// nested managers, by FromContext.
func (r *request) Value(key any) any {
	if key == (innermost{}) || key == any(r.session.m) {
		return &r.session
	}
	return r.Context.Value(key)
}

// Handler returns middleware around next, in which [From] and [FromContext]
// find the session of each request. Several managers can be nested, if their
// cookies have different names; a manager inside itself does nothing.
//
// A request whose handler does not touch the session costs no I/O, no cookie
// and no header. Otherwise the session is saved right before the first byte of
// the final response (by WriteHeader, Write, Flush, ReadFrom or Hijack, or at
// the handler's return), and again at the handler's return if it changed after
// that. A handler that panics saves nothing, and goes on panicking.
//
// The response writer that next gets keeps http.Flusher, http.Hijacker,
// http.Pusher, io.ReaderFrom and http.ResponseController working as far as
// the writer around it supports them. The body is not buffered. Whoever takes
// over the connection with Hijack writes the response alone, so that changes
// that need a cookie fail then, with [ErrHeadersSent].
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(m) != nil {
			next.ServeHTTP(w, r)
			return
		}
		req := &request{Context: r.Context()}
		req.session.m = m
		req.session.ctx = req.Context
		req.session.req = r
		req.writer.ResponseWriter = w
		req.writer.session = &req.session
		req.writer.request = r.WithContext(req)
		defer req.close()
		next.ServeHTTP(&req.writer, req.writer.request)
		req.writer.finish()
	})
}

// From returns the session of a request. See [FromContext].
func From(r *http.Request) *Session {
	return FromContext(r.Context())
}

// FromContext returns the session of the innermost manager around the code
// that runs with ctx. It panics when there is none: the handler is not wrapped
// in [Manager.Handler], which is an error of the program.
func FromContext(ctx context.Context) *Session {
	s, ok := ctx.Value(innermost{}).(*Session)
	if !ok {
		panic("gimlet: no session in this context: wrap the handler in Manager.Handler, or use Manager.NewContext")
	}
	return s
}

// Session returns this manager's session, which need not be the innermost.
// It panics when there is none, as [FromContext] does.
func (m *Manager) Session(ctx context.Context) *Session {
	s, ok := ctx.Value(m).(*Session)
	if !ok {
		panic("gimlet: no session of this manager in this context: wrap the handler in its Handler, or use its NewContext")
	}
	return s
}

// NewContext returns a context in which [FromContext] and [Manager.Session]
// find s, as inside the middleware. Nothing is saved by itself: use
// [Session.Commit].
func (m *Manager) NewContext(ctx context.Context, s *Session) context.Context {
	ctx = context.WithValue(ctx, innermost{}, s)
	return context.WithValue(ctx, m, s)
}

// respond saves the session before the headers leave, and writes what they
// must say of it. It runs once a request.
func (s *Session) respond(w http.ResponseWriter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.over = true }()
	if !s.used {
		return nil
	}
	if err := s.commitImplicit(); err != nil {
		return err
	}
	h := w.Header()
	s.varyByCookie(h)
	sent, err := s.writeCookies(h)
	if err != nil {
		return s.fail(err)
	}
	if sent {
		forbidStoring(h)
	}
	if s.tagFresh && len(s.state.values[serverTransient]) == 0 {
		s.tag, s.tagFresh = tag{}, false // no cookie carries it
	}
	if s.issue.forget && !s.live && len(s.m.cfg.clearSiteData) > 0 && s.req.TLS != nil {
		h.Set("Clear-Site-Data", s.m.cfg.clearSiteData)
	}
	return nil
}

// forgoCookies gives up the changes that need a cookie, and says so, since
// none can be sent in this response.
func (s *Session) forgoCookies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if !s.used || !s.open() {
		return
	}
	lost := s.issue.owed
	switch {
	case s.intent.moved:
		lost = lost || !s.intent.movedAtMost()
		s.drop(ReasonBinding, nil)
	case s.issue.unannounced:
		s.reset()
	case s.forgo():
		lost = true
	}
	if lost {
		s.warn(misuse("the connection is taken over: %w", ErrHeadersSent))
	}
}

// forgo takes what needs a cookie out of the intent, and reports whether there
// was anything.
func (s *Session) forgo() bool {
	server, rest := s.split()
	s.intent, s.next = server, secret{}
	return !rest.empty()
}

// commitImplicit is the commit at the end of a request. A client that went
// away meanwhile does not keep the work of the handler from being saved.
func (s *Session) commitImplicit() error {
	if s.err != nil {
		return s.err
	}
	if !s.open() || s.quiet() {
		return s.err
	}
	if s.m.cfg.manualCommit {
		s.forget()
	}
	return s.commit(s.m.deadlines.context(s.ctx))
}

// forget gives up what the handler wants. A new token that the options ask for
// does not wait for its Commit.
func (s *Session) forget() {
	s.intent, s.next = intent{moved: s.intent.moved}, secret{}
	if s.issue.unannounced {
		s.reset()
	}
}

// finish saves what changed after the headers were out.
func (s *Session) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.used || s.err == nil && s.intent.empty() {
		return s.err
	}
	return s.commitImplicit()
}

// outlive keeps what the handle watches beyond the handler.
func (s *Session) outlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hijacked = true
}

// close ends the handle's tie to its request.
func (r *request) close() {
	s := &r.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.hijacked {
		return
	}
	s.ended = true
	s.m.watches.leave(s.watch)
	if s.late && s.err == nil {
		s.tellLate(r.writer.request.Pattern)
	}
}

// tellLate logs that the first use of the session came after the headers. It
// waits for the handler's return, since a change that fails says so itself. A
// session that failed has broken off its response.
func (s *Session) tellLate(pattern string) {
	var attrs []slog.Attr
	if pattern != "" {
		attrs = append(attrs, slog.String("pattern", pattern))
	}
	s.m.log(s.ctx, slog.LevelWarn, "session first used after the headers, so neither Vary nor a cookie could be sent: use it before the first byte", s, attrs...)
}
