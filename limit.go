package gimlet

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gimlet-go/gimlet/store"
)

// A LimitPolicy says what happens when Login would give an owner more sessions
// than [WithMaxSessionsPerOwner] allows.
type LimitPolicy int

const (
	// EndOldest ends the sessions that were logged in longest ago. It is the
	// default.
	EndOldest LimitPolicy = iota
	// RefuseLogin makes Login return [ErrTooManySessions]. To ask the user
	// which session to end, list them and end the chosen one, then Login again.
	RefuseLogin
)

// WithLimitPolicy sets what happens beyond [WithMaxSessionsPerOwner].
func WithLimitPolicy(p LimitPolicy) Option {
	return func(c *config) { c.limitPolicy = p }
}

// ErrTooManySessions says that the owner has as many sessions as
// [WithMaxSessionsPerOwner] allows, and that [RefuseLogin] keeps them.
var ErrTooManySessions = errors.New("gimlet: the owner has too many sessions")

// refuseLogin returns ErrTooManySessions if the policy leaves no room for this
// session of owner beside those that it has.
func (s *Session) refuseLogin(ctx context.Context, owner string) error {
	most := s.m.cfg.maxPerOwner
	if most == 0 || s.m.cfg.limitPolicy != RefuseLogin {
		return nil
	}
	others, err := s.m.otherLogins(ctx, owner, s.token.id)
	if err == nil && len(others) >= most {
		s.emit(Event{Kind: EventLimit, ID: s.token.id, Owner: owner, Err: ErrTooManySessions})
		err = ErrTooManySessions
	}
	return err
}

// endSurplus ends the owner's sessions beyond WithMaxSessionsPerOwner, those
// that were logged in longest ago first. The caller holds the owner's lock.
func (s *Session) endSurplus(ctx context.Context, owner string) error {
	most := s.m.cfg.maxPerOwner
	if most == 0 || s.m.cfg.limitPolicy != EndOldest {
		return nil
	}
	others, err := s.m.otherLogins(ctx, owner, s.token.id)
	if err != nil {
		return err
	}
	slices.SortFunc(others, func(a, b login) int { return cmp.Compare(a.at, b.at) })
	for len(others) >= most {
		s.emit(Event{Kind: EventLimit, ID: others[0].id, Owner: owner})
		if err := s.m.endByID(ctx, others[0].id, ReasonLimit); err != nil {
			return err
		}
		others = others[1:]
	}
	return nil
}

// A login is a session of an owner, and when it was bound to it.
type login struct {
	id store.ID
	at int64
}

// otherLogins returns the owner's live sessions but one. An unreadable one
// counts, as the oldest.
func (m *Manager) otherLogins(ctx context.Context, owner string, except store.ID) (others []login, err error) {
	for rec, err := range m.store.List(ctx, owner) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return nil, storeError("list the sessions", err)
		}
		var st state
		if rec.ID == except || err == nil && (st.readRecord(rec) != nil || st.generation != m.generation.Load()) {
			continue
		}
		others = append(others, login{rec.ID, st.started})
	}
	return others, nil
}
