package gimlet

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// use notes that something was asked of the session.
func (s *Session) use() {
	if !s.used {
		s.late, s.used, s.held = s.over, true, new(held)
	}
}

// open looks at the request's cookies, once. It reports whether there is a
// session that has not failed. No I/O, unless a cookie names a key that the
// ring does not have.
func (s *Session) open() bool {
	ok := s.look()
	s.openedAt = 0 // who knows how long ago it will be
	return ok
}

// look is open for load, which goes on at once and so needs no other look at
// the clock.
func (s *Session) look() bool {
	s.use()
	if s.err != nil {
		return false
	}
	if !s.opened {
		s.opened = true
		if s.req != nil {
			s.m.openCookies(s)
			if s.aged() {
				s.load() // a cookie from before a renewal must not be believed
			}
		}
	}
	return s.live && s.err == nil
}

// load makes sure that the record is there, if the session has one. It
// reports whether there is a session that has not failed.
func (s *Session) load() bool {
	live := s.look()
	defer func() { s.openedAt = 0 }()
	if !live || s.loaded {
		return live
	}
	ctx := s.ctx
	if ctx.Err() != nil {
		// A client that went away does not keep its handler, or a goroutine
		// that outlives the request, from the session.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
		defer cancel()
	}
	return s.reload(ctx) == nil && s.live
}

// reload loads the record. A record that is gone, or that the token does not
// open, ends the session for this handle: it is no session, and no error.
// The error is the store's.
func (s *Session) reload(ctx context.Context) error {
	reason, err := s.fetch(ctx)
	if reason != 0 {
		s.drop(reason, err)
		return nil
	}
	return err
}

// fetch loads the record into state. It returns why the session cannot be
// used, if it cannot, or the store's error.
func (s *Session) fetch(ctx context.Context) (Reason, error) {
	if !s.state.has(flagStored) {
		s.loaded = true
		return 0, nil
	}
	rec, err := s.m.loadRecord(ctx, s.token.id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ReasonUnknown, nil
	case errors.Is(err, store.ErrCorrupt):
		return ReasonCorrupt, err
	case err != nil:
		return 0, s.fail(storeError("load the session", err))
	}
	var next state
	if err := next.readRecord(rec); err != nil {
		return ReasonCorrupt, err
	}
	if reason := s.admit(&next); reason != 0 {
		return reason, nil
	}
	s.adopt(&next)
	return 0, nil
}

// admit decides whether the token opens the record. With a secret that was
// renewed a moment ago it takes over the new one.
func (s *Session) admit(next *state) Reason {
	now := s.openedAt
	if now == 0 {
		now = s.m.now()
	}
	switch {
	case next.generation != s.m.generation.Load():
		return ReasonRevoked
	case now >= next.ends || now >= next.expires:
		return ReasonExpired
	case next.ahead(now):
		return ReasonFuture
	case next.hash.equal(s.digest()):
		return 0
	}
	if next.has(flagPrevious) && s.m.inGrace(next.prev.until, now) && next.prev.hash.equal(s.digest()) {
		renewed := next.prev.box.xor(pad(s.token.secret))
		if next.hash.equal(renewed.digest()) {
			s.token.secret = renewed
			s.issue.main = true
			return 0
		}
	}
	return ReasonStale
}

// digest returns the digest of the token's secret.
func (s *Session) digest() digest {
	if r := s.remembered; r != nil && r.readable && r.read.token.secret.equal(s.token.secret) {
		return r.digest
	}
	return s.token.secret.digest()
}

// adopt takes over a record that was loaded. Client-side values stay: they
// came with the cookie.
func (s *Session) adopt(next *state) {
	next.set(flagStored, true)
	next.set(flagCarried, next.has(flagCarried) || s.state.has(flagCarried))
	next.values[clientPermanent] = s.state.values[clientPermanent]
	next.values[clientTransient] = s.state.values[clientTransient]
	if s.tagFresh && next.tag != (tag{}) && next.tag != s.state.tag {
		// Another request of this browser's run made a tag first.
		s.tag, s.tagFresh = next.tag, false
		s.issue.transient = true
	}
	if next.tag != s.tag || s.tag == (tag{}) {
		next.unseen.tag, next.unseen.values = next.tag, next.values[serverTransient]
		next.values[serverTransient] = nil
	}
	s.state = *next
	s.loaded = true
}

// drop makes the handle one without a session.
func (s *Session) drop(reason Reason, err error) {
	if reason == ReasonCorrupt {
		s.m.log(s.ctx, slog.LevelWarn, "session record unreadable, treated as no session", s, slog.Any("error", err))
	}
	s.reject(reason, s.token.id, err)
	s.overtaken = reason == ReasonStale && s.m.renewed.has(s.token.id)
	s.reset()
}

// reset forgets the session, but not what the browser has.
func (s *Session) reset() {
	s.live, s.fresh, s.loaded = false, false, false
	s.token, s.state, s.intent, s.next = token{}, state{}, intent{}, secret{}
	s.tag, s.tagFresh, s.sealedBy = tag{}, false, [2]uint32{}
	s.issue.main, s.issue.transient, s.issue.owed, s.issue.unannounced = false, false, false, false
}

// begin starts a session where there is none. It reports false if none can be
// begun: the session has failed, or its cookie could not be sent any more.
func (s *Session) begin() bool {
	if s.load() {
		return true
	}
	if s.err != nil {
		return false
	}
	if s.over {
		s.warn(ErrHeadersSent)
		return false
	}
	if s.overtaken {
		// The cookie of a session that begins here would replace the one of
		// that Login in the browser.
		s.fail(ErrGone)
		return false
	}
	s.start()
	return true
}

// start makes a new token and an empty state.
func (s *Session) start() {
	now := s.m.now()
	s.live, s.fresh, s.loaded = true, true, true
	s.token = token{s.m.newID(time.UnixMilli(now)), newSecret()}
	s.state = state{head: head{
		generation: s.m.generation.Load(),
		created:    now,
		started:    now,
		renewed:    now,
		seen:       now,
		ends:       now + s.m.cfg.lifetime.Milliseconds(),
		idle:       s.m.cfg.idle.Milliseconds(),
	}}
	s.state.set(flagBrowser, !s.m.cfg.persistent)
	s.state.expires = s.state.deadline()
	s.state.hash = s.token.secret.digest()
	s.issue.main, s.issue.owed, s.issue.unannounced = true, true, true
}
