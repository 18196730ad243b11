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

// refuseLogin returns ErrTooManySessions if the policy leaves no room for one
// more session of owner beside those that it has.
func (m *Manager) refuseLogin(ctx context.Context, owner string, keep store.ID) error {
	if m.cfg.maxPerOwner == 0 || m.cfg.limitPolicy != RefuseLogin {
		return nil
	}
	others, err := m.otherLogins(ctx, owner, keep)
	if err == nil && len(others) >= m.cfg.maxPerOwner {
		m.emit(ctx, Event{Kind: EventLimit, ID: keep, Owner: owner, Err: ErrTooManySessions})
		err = ErrTooManySessions
	}
	return err
}

// endSurplus ends the owner's sessions beyond WithMaxSessionsPerOwner, those
// that were logged in longest ago first. The caller holds the owner's lock.
func (m *Manager) endSurplus(ctx context.Context, owner string, keep store.ID) error {
	if m.cfg.maxPerOwner == 0 || m.cfg.limitPolicy != EndOldest {
		return nil
	}
	others, err := m.otherLogins(ctx, owner, keep)
	if err != nil {
		return err
	}
	slices.SortFunc(others, func(a, b login) int { return cmp.Compare(a.at, b.at) })
	for len(others) >= m.cfg.maxPerOwner {
		m.emit(ctx, Event{Kind: EventLimit, ID: others[0].id, Owner: owner})
		if err := m.endByID(ctx, others[0].id, ReasonLimit); err != nil {
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
