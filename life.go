package gimlet

import (
	"context"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Login binds the session to owner, any name by which the program knows its
// user, and renews its token, beginning a session if there is none. Call it
// when someone has proved who they are, and again after a change of
// privileges. Values stay; the lifetime starts anew. If the session belonged
// to another owner, it is destroyed and a new, empty one begins.
//
// The change is saved with the others of the request, in one step: until then
// the old token names the session without the owner, and afterwards no token
// but the new one names it at all. If [Manager.RevokeOwner] ends the sessions
// of owner in between, that save is [ErrGone].
//
// It returns [ErrTooManySessions] if [WithLimitPolicy] says so, and an error if
// owner is empty, longer than 512 bytes or begins with a NUL byte, if the
// headers of the response are out, or if the session has failed.
func (s *Session) Login(ctx context.Context, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner == "" || len(owner) > store.MaxOwner || reservedOwner(owner) {
		return misuse("Login: an owner has 1 to %d bytes and does not begin with a NUL byte", store.MaxOwner)
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	current := s.state.owner
	if s.intent.login {
		current = s.intent.owner
	}
	if current != owner {
		if err := s.refuseLogin(ctx, owner); err != nil {
			return err
		}
	}
	if s.live && current != "" && current != owner {
		if err := s.destroy(ctx, ReasonLogin); err != nil {
			return err
		}
	}
	if !s.live {
		s.start()
	}
	s.intent.login, s.intent.owner, s.intent.calls = true, owner, s.m.ousted.calls()
	s.renew()
	return nil
}

// Renew gives the session a new token with the same values; the old one is
// dead as soon as the session is saved. Call it after a change of privileges
// that is not a Login. Without a session it does nothing.
func (s *Session) Renew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if s.live {
		s.intent.renew = true
		s.renew()
	}
	return nil
}

// renew draws the next secret, unless this request has done so already.
func (s *Session) renew() {
	if s.next == (secret{}) {
		s.next = newSecret()
	}
}

// prepare loads the session for a change of its token.
func (s *Session) prepare(ctx context.Context) error {
	s.use()
	if s.err != nil {
		return s.err
	}
	if s.over {
		err := misuse("a new token: %w", ErrHeadersSent)
		s.warn(err)
		return err
	}
	if s.open() && !s.loaded {
		return s.reload(ctx)
	}
	return s.err
}

// Destroy ends the session at once: its record is deleted, and its cookies
// open nothing any more, wherever copies of them are. The response tells the
// browser to forget them. A slower request that still works on the session
// gets [ErrGone]. A later Set in the same request begins a new session.
// Without a session it does nothing, nor when a Login has overtaken the
// request: that Login's session goes on.
func (s *Session) Destroy(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.use()
	if s.err != nil {
		return s.err
	}
	if s.open() && !s.loaded {
		reason, err := s.fetch(ctx)
		switch {
		case reason == ReasonUnknown || reason == ReasonCorrupt:
			// The values in its cookies are still there.
			s.reject(reason, s.token.id, err)
		case reason != 0:
			s.drop(reason, err)
		case err != nil:
			return err
		}
	}
	if !s.live {
		return s.err
	}
	return s.destroy(ctx, ReasonLogout)
}

func (s *Session) destroy(ctx context.Context, reason Reason) error {
	// One that was begun a moment ago and not saved is known to nobody.
	if !s.issue.unannounced {
		overtaken, err := s.end(ctx, reason)
		if err != nil {
			return s.fail(err)
		}
		if overtaken {
			s.drop(ReasonStale, nil) // the browser is not to forget the newer cookie
			return nil
		}
	}
	s.reset()
	s.issue.forget = true
	return nil
}

// SetLifetime makes this session, and no other, end d after it began or was
// last bound by Login, however it is used. It must be positive and at most 400
// days, the longest that browsers keep a cookie, and at most what [WithAAL]
// allows. Without a session it does nothing.
//
// If the session ends earlier by it, and copies of its cookies can show values
// without its record, it gets a new token, as by [Session.Renew].
func (s *Session) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.m.cfg.checkLifetime(d); err != nil {
		s.use()
		s.fail(misuse("SetLifetime: %w", err))
		return
	}
	s.want(func(in *intent) { in.lifetime = &d })
}

// SetIdleTimeout makes this session, and no other, end when it has not been
// used for d; 0 is no idle timeout. Without a session it does nothing. For a
// shorter one the session may get a new token: see [Session.SetLifetime].
func (s *Session) SetIdleTimeout(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.m.cfg.checkIdle(d); err != nil {
		s.use()
		s.fail(misuse("SetIdleTimeout: %w", err))
		return
	}
	s.want(func(in *intent) { in.idle = &d })
}

// SetPersistent says whether this session's cookie outlives the browser's
// closing. Without a session it does nothing.
func (s *Session) SetPersistent(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want(func(in *intent) { in.persistent = &on })
}

// SetStored says whether this session, and no other, has a record in the store
// whatever its size, so that [Manager.Sessions] lists it and the changes of
// overlapping requests are merged. Without it a session without an owner may
// live in its cookies alone: when [WithCookieOnly] says so, or when all its
// values are client-side.
//
// True moves the session to the store with its next commit and keeps it there.
// False, the default, leaves the decision to [WithCookieOnly] again, which
// takes the session back with the same commit if it is small enough and has no
// owner; without that option it keeps the record that it has. Without a
// session it does nothing.
//
// Call it in the request that begins the session if you can: while a session
// lives in its cookie alone, an overlapping request that answers later takes
// the move back, as [WithCookieOnly] says.
func (s *Session) SetStored(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want(func(in *intent) { in.stored = &on })
}

func (s *Session) want(change func(*intent)) {
	if !s.load() {
		return
	}
	if s.over {
		s.warn(ErrHeadersSent)
		return
	}
	change(&s.intent)
	if s.renews() {
		s.renew()
	}
}

// timing applies what the intent says of the session's life.
func (in *intent) timing(c *config, h *head, now int64) {
	if in.login {
		life := h.ends - h.started
		h.started, h.ends = now, now+life
		c.bound(h)
	}
	if in.lifetime != nil {
		h.ends = h.started + in.lifetime.Milliseconds()
	}
	if in.idle != nil {
		h.idle = in.idle.Milliseconds()
	}
	if in.persistent != nil {
		h.set(flagBrowser, !*in.persistent)
	}
}

// Token returns the session's sealed token, for a client that keeps it itself
// instead of a cookie: an API client, a desktop program. [Manager.Load] opens
// it. Client-side values travel in it, so hand out a new one after they
// change. [WithBinding] is about cookies alone: a token is good from anywhere.
// It is an error to ask before the session, or a change that the token depends
// on, was saved, and when there is no session ([ErrNoSession]).
func (s *Session) Token() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		if s.err != nil {
			return "", s.err
		}
		return "", ErrNoSession
	}
	if _, rest := s.split(); s.issue.unannounced || !rest.empty() || s.renewalDue() {
		return "", misuse("Token: the session has changes that its token depends on: Commit them first")
	}
	now := time.UnixMilli(s.m.now())
	p := s.payload(&s.state)
	p.set(flagBound, false)
	if p.has(flagStored) {
		p.idle = 0 // a token is not sent again when it is used: the record says
	}
	text, err := s.seal(s.m.tokens, p.append(nil), now)
	if err != nil {
		return "", s.fail(err)
	}
	return text, nil
}
