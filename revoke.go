package gimlet

import (
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

// RevokeOwned ends a session if it belongs to owner, and reports whether it
// did: for a page on which users end their own sessions, where the ID comes
// from a form and must not reach those of others.
func (m *Manager) RevokeOwned(ctx context.Context, owner string, id store.ID) (bool, error) {
	if owner == "" || id.Reserved() {
		return false, nil
	}
	rec, err := m.loadRecord(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && rec.Owner != owner {
		return false, nil
	}
	if err != nil {
		return false, storeError("load the session", err)
	}
	return true, m.endByID(ctx, id, ReasonRevoked)
}

// RevokeOwner ends the sessions of an owner, those excepted, and returns their
// number. Sessions that are bound to the owner while it runs end too, unless
// their Login comes after it: one of this manager that came before and is not
// saved yet gets [ErrGone]. In other processes such a Login may be saved.
func (m *Manager) RevokeOwner(ctx context.Context, owner string, except ...store.ID) (int, error) {
	if owner == "" || reservedOwner(owner) {
		return 0, misuse("RevokeOwner: an owner is not empty and does not begin with a NUL byte; RevokeAll ends every session")
	}
	unlock, err := m.owners.lock(ctx, owner)
	if err != nil {
		return 0, err
	}
	defer unlock()
	m.ousted.add(owner, except)
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
