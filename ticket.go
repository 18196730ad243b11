package gimlet

import (
	"context"
	"strings"
	"time"
)

// Ticket returns a short-lived token for one purpose, for where a cookie
// cannot go: the address of a WebSocket, a download link, another program. It
// names this session and ends with it, after life, or with the next new token:
// of Login and Renew at once, of [WithRenewal] after its grace. It opens
// nothing but [Manager.Redeem] with the same purpose: it is neither a cookie
// nor a token for [Manager.Load]. It may be redeemed more than once until it
// ends, from anywhere: [WithBinding] is about cookies alone.
//
// It is an error to ask before the session, or a change that its token depends
// on, was saved; with WithRenewal that may be any request, so Commit first. It
// is an error, too, if the purpose has a NUL byte in it, if life is not
// between 0 and 400 days, and when there is no session ([ErrNoSession]).
func (s *Session) Ticket(purpose string, life time.Duration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if life <= 0 || life > maxLifetime {
		return "", misuse("Ticket: a life of %v is not between 0 and 400 days", life)
	}
	if strings.ContainsRune(purpose, 0) {
		return "", misuse("Ticket: the purpose %q has a NUL byte in it", purpose)
	}
	if !s.load() {
		if s.err != nil {
			return "", s.err
		}
		return "", ErrNoSession
	}
	if !s.state.has(flagStored) || s.next != (secret{}) || s.renewalDue() {
		return "", misuse("Ticket: the session is not in the store yet, or is about to get a new token: Commit it first")
	}
	now := s.m.now()
	p := payload{head: s.state.head, token: s.token}
	p.set(flagPrevious|flagTagged|flagBound, false)
	p.idle = 0 // the record says
	p.ends = min(p.ends, now+life.Milliseconds())
	p.created = min(p.created, now) // nothing before it can be written, and the clock may have been set back
	text, err := s.seal(s.m.ticketSealer(purpose), p.append(nil), time.UnixMilli(now))
	if err != nil {
		return "", s.fail(err)
	}
	return text, nil
}

// Redeem returns the session that a [Session.Ticket] for the same purpose
// names, or [ErrNoSession]. See [Manager.Load].
func (m *Manager) Redeem(ctx context.Context, purpose, ticket string) (*Session, error) {
	return m.loadSealed(ctx, m.ticketSealer(purpose), ticket)
}

func (m *Manager) ticketSealer(purpose string) *sealer {
	return newSealer(m.ring, "ticket", purpose, m.cfg.name, false)
}
