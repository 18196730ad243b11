package gimlet

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/gimlet-go/gimlet/store"
)

// Revoke ends a session, wherever it is used; see [Session.Destroy]. An ID
// that names no session is no error.
func (m *Manager) Revoke(ctx context.Context, id store.ID) error {
	if id.Reserved() {
		return misuse("Revoke: %v is not the ID of a session", id)
	}
	return m.endByID(ctx, id, ReasonRevoked)
}

func (m *Manager) endByID(ctx context.Context, id store.ID, reason Reason) error {
	// A session without a readable record may live in cookies alone.
	st := state{head: head{flags: flagStored | flagCarried, ends: m.now() + maxLifetime.Milliseconds()}}
	rec, err := m.loadRecord(ctx, id)
	switch {
	case err == nil:
		var loaded state
		if loaded.readRecord(rec) == nil {
			st = loaded
			st.set(flagStored, true)
		}
	case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCorrupt):
		return storeError("load the session", err)
	}
	return m.end(ctx, id, &st, reason)
}

// RevokeOwner ends the sessions of an owner, those excepted, and returns their
// number. Sessions that are bound to the owner while it runs end too, unless
// their Login comes after it.
func (m *Manager) RevokeOwner(ctx context.Context, owner string, except ...store.ID) (int, error) {
	if owner == "" || reservedOwner(owner) {
		return 0, misuse("RevokeOwner: an owner is not empty and does not begin with a NUL byte; RevokeAll ends every session")
	}
	unlock, err := m.owners.lock(ctx, owner)
	if err != nil {
		return 0, err
	}
	defer unlock()
	total := 0
	for {
		// Other processes may add sessions meanwhile: look until none is left.
		n, err := m.revokeListed(ctx, owner, except)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

func (m *Manager) revokeListed(ctx context.Context, owner string, except []store.ID) (int, error) {
	n := 0
	for rec, err := range m.store.List(ctx, owner) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return n, storeError("list the sessions", err)
		}
		if slices.Contains(except, rec.ID) || rec.ID.Reserved() {
			continue
		}
		if err := m.endByID(ctx, rec.ID, ReasonRevoked); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// limitOwner ends the owner's sessions beyond WithMaxSessionsPerOwner, those
// that were logged in longest ago first. The caller holds the owner's lock.
func (m *Manager) limitOwner(ctx context.Context, owner string, keep store.ID) error {
	if m.cfg.maxPerOwner == 0 {
		return nil
	}
	type login struct {
		id store.ID
		at int64
	}
	var others []login
	for rec, err := range m.store.List(ctx, owner) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return storeError("list the sessions", err)
		}
		var st state
		if err == nil && (st.readRecord(rec) != nil || st.generation != m.generation.Load()) || rec.ID == keep {
			continue
		}
		others = append(others, login{rec.ID, st.started})
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
