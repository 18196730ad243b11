package gimlet

import (
	"context"
	"errors"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// maxAttempts bounds how often a save is tried again because another request
// saved first. Once a save has lost, the requests of its session take turns,
// those that come later too, so that it is reached only when other processes
// keep winning.
const maxAttempts = 64

// Commit saves what changed now, instead of before the first byte of the
// response. It returns nil when the changes are durable, or when there was
// nothing to save. A handle that is not tied to a request (from
// [Manager.Begin] or [Manager.Load], or kept by a goroutine that outlives the
// request) saves nothing without it.
func (s *Session) Commit(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(ctx)
}

func (s *Session) commit(ctx context.Context) error {
	if s.err != nil || !s.used || !s.open() {
		return s.err
	}
	if s.intent.empty() && !s.issue.unannounced && !s.renewalDue() {
		return s.touch(ctx)
	}
	if s.intent.login {
		unlock, err := s.m.owners.lock(ctx, s.intent.owner)
		if err != nil {
			return s.fail(err)
		}
		defer unlock()
		if s.m.ousted.since(s.intent.calls, s.intent.owner, s.token.id) {
			return s.fail(ErrGone)
		}
		if err := s.refuseLogin(ctx, s.intent.owner); err != nil {
			return s.fail(err)
		}
	}
	if err := s.commitIntent(ctx); err != nil || !s.loaded && s.state.has(flagStored) {
		return err // nothing to touch: failed, or saved behind the request's back
	}
	return s.touch(ctx)
}

// commitIntent applies the intent to the newest state, until no other request
// comes in between.
func (s *Session) commitIntent(ctx context.Context) error {
	want := s.intent
	queues := s.state.has(flagStored) && s.m.turns.taken(s.token.id)
	for attempt := range maxAttempts {
		var gone, lost bool
		var err error
		if !queues || attempt > 0 {
			if gone, lost, err = s.attempt(ctx, attempt > 0); err != nil || !gone && !lost {
				return err
			}
		}
		if lost {
			s.m.stats.conflicts.Add(1)
		}
		if attempt == 0 && !gone {
			unlock, err := s.m.turns.lock(ctx, s.token.id)
			if err != nil {
				return s.fail(err)
			}
			defer unlock()
		}
		if !gone {
			if gone, err = s.refetch(ctx); err != nil {
				return err
			}
		}
		if gone {
			if err := s.whenGone(want); err != nil || !s.live {
				return err
			}
		}
	}
	return s.fail(writeError("save the session", store.ErrConflict))
}

// whenGone makes of a session that is gone what it still can, given what this
// request wanted of it.
func (s *Session) whenGone(want intent) error {
	switch {
	case want.login:
		// Whoever proves who they are gets a session, also when the one that
		// they had ended meanwhile.
		s.reset()
		s.start()
		s.intent = want
		s.renew()
		return nil
	case want.movedAtMost() && !s.issue.unannounced:
		// Another request has moved the session, or ended it, and this one has
		// only read.
		s.drop(ReasonStale, nil)
		return nil
	default:
		return s.fail(ErrGone)
	}
}

// quiet reports whether there is nothing to save, and nothing to tell the
// browser that is not decided yet.
func (s *Session) quiet() bool {
	return s.intent.empty() && !s.issue.unannounced && !s.issue.reseal &&
		!s.issue.due(&s.state.head, s.m.now()) && !s.renewalDue()
}

// refetch loads the newest record after a conflict, and reports whether the
// session is gone.
func (s *Session) refetch(ctx context.Context) (gone bool, err error) {
	reason, err := s.fetch(ctx)
	if reason != 0 {
		return true, nil
	}
	return false, err
}

// attempt applies the intent to the state and makes it so, in the store or in
// the cookie. again says that the state is newer than the intent.
func (s *Session) attempt(ctx context.Context, again bool) (gone, retry bool, err error) {
	now := s.m.now()
	if !s.m.ring.trusts(s.sealedBy, time.UnixMilli(now)) {
		return true, false, nil // the key of its cookie was revoked meanwhile
	}
	next, err := s.after(now, again)
	if err != nil {
		return false, false, s.fail(err)
	}
	if err := s.checkSize(&next); err != nil {
		return false, false, s.fail(err)
	}
	stored, keeps := s.state.has(flagStored), next.has(flagStored)
	switch {
	case keeps && stored && s.state.sameRecord(&next):
		next.seen, next.version, next.expires = s.state.seen, s.state.version, s.state.expires
	case keeps && stored && !again && s.quickEnough(&next) && s.m.saveQuick(s):
		s.loaded = false
		s.intent = intent{}
		return false, false, nil
	case keeps:
		gone, retry, err = s.save(ctx, &next)
	case stored:
		// It fits into the cookie again: no copy stays behind.
		gone, retry, err = s.m.expireRecord(ctx, s.token.id, s.state.version)
	}
	if err != nil {
		return false, false, s.fail(err)
	}
	if gone || retry {
		return gone, retry, nil
	}
	if s.m.revoked.blocks(s.token.id, s.state.renewals, now) || next.generation != s.m.generation.Load() {
		// It was ended, or given a new token, while it was being saved: a
		// record that was just inserted must not stay. Any other is the newer
		// token's, or gone.
		if keeps && !stored {
			if err := s.m.deleteRecord(ctx, s.token.id); err != nil {
				return false, false, s.fail(err)
			}
		}
		return true, false, nil
	}
	return false, false, s.settle(ctx, &next)
}

// after returns the state that the intent leads to.
func (s *Session) after(now int64, again bool) (state, error) {
	next := s.state
	values, err := s.intent.apply(s.state.values, again)
	if err != nil {
		return next, err
	}
	next.values = values
	s.intent.timing(&s.m.cfg, &next.head, now)
	s.keepAsWanted(&next)
	next.seen = now
	switch {
	case s.renews():
		s.renew()
		next.renewals++
		next.hash, next.renewed = s.next.digest(), now
		next.set(flagPrevious, false)
		next.prev = previous{}
	case s.renewalDue():
		s.renew()
		next.prev = previous{s.state.hash, now + s.m.cfg.grace.Milliseconds(), s.next.xor(pad(s.token.secret))}
		next.hash, next.renewed = s.next.digest(), now
		next.set(flagPrevious, true)
	default:
		s.next = secret{} // another request has renewed it
	}
	if next.has(flagPrevious) && !s.m.inGrace(next.prev.until, now) {
		next.set(flagPrevious, false) // a thief of the file and of an old cookie has no use for it
		next.prev = previous{}
	}
	if s.intent.login {
		next.owner = s.intent.owner
	}
	if len(next.values[serverTransient]) > 0 {
		next.tag = s.tag
	}
	if s.intent.cleared || len(next.values[serverTransient]) > 0 {
		next.unseen.values = nil
	}
	next.set(flagStored, s.keepsRecord(&next) || again && s.state.has(flagStored))
	if !next.has(flagStored) {
		next.version = 0
		next.set(flagCarried, true)
	} else {
		next.version++
	}
	if len(next.values[clientPermanent])+len(next.values[clientTransient]) > 0 {
		next.set(flagCarried, true)
	}
	next.expires = next.deadline()
	return next, nil
}

// keepAsWanted applies what the intent says of SetStored. Where no record ever
// goes back into the cookie, one that is there need not be told to stay.
func (s *Session) keepAsWanted(next *state) {
	want := s.intent.stored
	if want == nil || *want && s.m.cfg.cookieOnly == 0 && s.state.has(flagStored) {
		return
	}
	next.set(flagKept, *want)
}

// keepsRecord decides whether the session lives in the store.
func (s *Session) keepsRecord(next *state) bool {
	switch {
	case s.req == nil || next.owner != "" || next.has(flagKept):
		return true
	case s.over || !s.loaded:
		return s.state.has(flagStored)
	case s.m.cfg.cookieOnly > 0:
		bare := *next
		bare.set(flagStored, false)
		main, transient := s.sizes(&bare)
		return main+transient > s.m.cfg.cookieOnly || s.wireSize(&bare) > s.m.cfg.cookie.MaxBytes
	default:
		return s.state.has(flagStored) || len(next.values[serverPermanent])+len(next.values[serverTransient]) > 0
	}
}

// checkSize refuses what is too large before anything is written.
func (s *Session) checkSize(next *state) error {
	if n := next.size(); n > s.m.cfg.maxSize {
		s.emit(Event{Kind: EventLimit, ID: s.token.id, Err: ErrTooLarge})
		return misuse("a session of %d bytes, and the limit is %d: %w", n, s.m.cfg.maxSize, ErrTooLarge)
	}
	if s.req == nil || s.over {
		return nil
	}
	if n := s.wireSize(next); n > s.m.cfg.cookie.MaxBytes {
		s.emit(Event{Kind: EventLimit, ID: s.token.id, Err: ErrTooLarge})
		return misuse("cookies of %d bytes, and Cookie.MaxBytes is %d: keep large values ServerSide: %w", n, s.m.cfg.cookie.MaxBytes, ErrTooLarge)
	}
	return nil
}

// save writes the record of next.
func (s *Session) save(ctx context.Context, next *state) (gone, retry bool, err error) {
	err = s.m.saveRecord(ctx, next.record(s.token.id))
	switch {
	case err == nil:
		return false, false, nil
	case errors.Is(err, store.ErrNotFound):
		return true, false, nil
	case errors.Is(err, store.ErrConflict) && next.version > 1:
		return false, true, nil
	case errors.Is(err, store.ErrConflict) && s.fresh:
		// Another session has this ID: it must not be touched.
		s.token.id = s.m.newID(time.UnixMilli(s.m.now()))
		return false, true, nil
	case errors.Is(err, store.ErrConflict):
		// Another request gave this session its first record.
		s.state.set(flagStored, true)
		return false, true, nil
	case errors.Is(err, store.ErrTooLarge):
		return false, false, misuse("save the session: %w", errors.Join(ErrTooLarge, err))
	default:
		return false, false, writeError("save the session", err)
	}
}
