package gimlet

import (
	"crypto/sha256"
	"net/http"
)

// WithBinding binds cookies to a property of the request: the network, or the
// browser's name, say. What happens when a cookie comes with another property
// than it was made for is up to [WithBindingAction]; by default it is no
// session. Choose what does not change while people move about. The property
// is kept as a hash, inside the seal. Cookies from before the option was given
// have another property than any. Tokens of [Session.Token] and
// [Session.Ticket] are never bound.
func WithBinding(f func(*http.Request) string) Option {
	return func(c *config) { c.binding = f }
}

// WithBindingAction sets what happens when a cookie comes with another
// property than it was made for. See [WithBinding].
func WithBindingAction(a BindingAction) Option {
	return func(c *config) { c.bindingAction = a }
}

// A BindingAction says what happens when a cookie comes with another property
// than it was made for.
type BindingAction int

const (
	// BindingRefuse takes the cookie for no session, and tells with
	// EventRejected. Whoever has the property goes on with the session. It is
	// the default.
	BindingRefuse BindingAction = iota
	// BindingObserve accepts it, tells with EventMoved, once, and binds the
	// session to the new property.
	BindingObserve
	// BindingRenew is BindingObserve with a new token: whoever else has the
	// old one, at the old place or the new, is nobody from then on. The token
	// is saved with the response, under [WithManualCommit] too. Where no
	// response can carry it any more, after the headers or on a connection
	// that is taken over, it is BindingRefuse. Of requests that come from the
	// new place at the same time one renews; what the others have changed is
	// refused with [ErrGone].
	BindingRenew
	// BindingEnd ends the session, for everybody.
	BindingEnd
)

// A binding is a hash of what WithBinding returned when the cookie was made.
type binding [8]byte

func bindingOf(s string) binding {
	sum := sha256.Sum256(append([]byte("gimlet binding\x00"), s...))
	return binding(sum[:8])
}

// bindingNow is what WithBinding says of the request, as it was when that was
// first asked: a handler may change the headers.
func (s *Session) bindingNow() binding {
	if !s.bound {
		s.bound, s.binding = true, bindingOf(s.m.cfg.binding(s.req))
	}
	return s.binding
}

// moved reports whether a cookie came with another property than it was made
// for.
func (s *Session) moved(p *payload) bool {
	return s.m.cfg.binding != nil && s.req != nil && (!p.has(flagBound) || p.binding != s.bindingNow())
}

// settleIn does what the option says with a session that has moved.
func (s *Session) settleIn() {
	if s.over && s.m.cfg.bindingAction == BindingRenew {
		s.drop(ReasonBinding, nil)
		return
	}
	s.emit(Event{Kind: EventMoved, ID: s.token.id})
	switch s.m.cfg.bindingAction {
	case BindingObserve:
		s.issue.reseal = true
	case BindingRenew:
		if s.load() {
			s.intent.moved = true
			s.renew()
		}
	case BindingEnd:
		// The record decides whether the token is good enough to end anything.
		if s.load() {
			_ = s.destroy(s.ctx, ReasonBinding)
		}
	}
}
