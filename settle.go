package gimlet

import (
	"bytes"
	"context"
	"errors"

	"github.com/gimlet-go/gimlet/store"
)

// settle takes over the state that was just made so, and does what follows
// from it.
func (s *Session) settle(ctx context.Context, next *state) error {
	old, wanted := s.state, s.intent
	s.planCookies(next)
	created := s.issue.unannounced
	s.issue.unannounced = false
	renewed := s.next != (secret{})
	if renewed {
		s.token.secret, s.next = s.next, secret{}
		s.issue.main = true
	}
	if next.renewals != old.renewals {
		s.m.renewed.add(s.token.id)
		if old.has(flagCarried) {
			err := s.m.revoke(ctx, s.token.id, next.renewals, max(old.ends, next.ends))
			if err != nil {
				return s.fail(err)
			}
		}
	}
	s.state = *next
	s.intent = intent{}
	s.m.watches.extend(s.token.id, next.expires, next.has(flagStored))
	s.announce(created, renewed, &wanted)
	if wanted.login {
		if err := s.endSurplus(ctx, wanted.owner); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// announce emits the events of a save.
func (s *Session) announce(created, renewed bool, in *intent) {
	switch {
	case in.login:
		if created {
			s.emit(Event{Kind: EventCreated, ID: s.token.id})
		}
		s.emit(Event{Kind: EventLogin, ID: s.token.id, Owner: s.state.owner})
	case created:
		s.emit(Event{Kind: EventCreated, ID: s.token.id})
	case renewed:
		s.emit(Event{Kind: EventRenewed, ID: s.token.id, Owner: s.state.owner})
	}
}

// planCookies notes which cookies must be sent for next.
func (s *Session) planCookies(next *state) {
	moved := s.state.has(flagStored) != next.has(flagStored)
	inCookie := !next.has(flagStored)
	changed := func(a area) bool { return !bytes.Equal(s.state.values[a], next.values[a]) }
	was, is := s.state.head, next.head
	was.seen, is.seen = 0, 0
	if was != is || moved || changed(clientPermanent) || inCookie && changed(serverPermanent) {
		s.issue.main, s.issue.owed = true, true
	}
	if changed(clientTransient) || changed(serverTransient) && (inCookie || s.tagFresh) ||
		moved && len(s.state.values[serverTransient])+len(next.values[serverTransient]) > 0 {
		s.issue.transient, s.issue.owed = true, true
	}
	if s.issue.due(&next.head, s.m.now()) {
		s.issue.main = true
	}
}

// touch moves the idle deadline if that is due, and has the cookie sent again
// if it is to say something new. A store that cannot be written to does not
// take the session away from those who read.
func (s *Session) touch(ctx context.Context) error {
	now := s.m.now()
	due := s.issue.due(&s.state.head, now)
	if !due && !s.issue.reseal {
		return nil
	}
	if !s.load() {
		return s.err
	}
	stale := func() bool { return s.state.has(flagStored) && s.state.stale(now) }
	if s.m.revoked.blocks(s.token.id, s.state.renewals, now) {
		s.drop(ReasonRevoked, nil) // meanwhile: the cookie would replace a newer one
		return nil
	}
	if s.state.has(flagStored) && (s.issue.reseal || due && stale()) {
		// What this request has read may be old by now, and the idle timeout
		// another one.
		if err := s.reload(ctx); err != nil || !s.live {
			return err
		}
	}
	if s.state.seen > now { // by a clock that was ahead
		s.state.seen = min(now, s.state.expires-s.state.idle)
	}
	if due && stale() {
		head := s.state.head
		head.seen = now
		err := s.m.touchRecord(ctx, s.token.id, head.deadline())
		switch {
		case errors.Is(err, store.ErrNotFound):
			s.drop(ReasonUnknown, nil)
			return nil
		case err != nil:
			s.warn(storeError("extend the session", err))
			return nil
		}
		s.state.expires = head.deadline()
		s.m.watches.extend(s.token.id, s.state.expires, s.state.has(flagStored))
	}
	if !s.state.has(flagStored) {
		s.state.seen = now
		s.state.expires = s.state.deadline()
	}
	s.issue.main = true
	s.issue.seen = s.state.lastSeen()
	s.issue.reseal = false
	return nil
}
