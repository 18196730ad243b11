package gimlet

import (
	"context"
	"errors"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// RevokeKeys removes from the key ring the keys that were made before a time,
// and makes a new one: for when a copy of the store may have been stolen. What
// the removed keys have sealed opens nothing any more, in this process at once
// and in others within 10 seconds: everybody whose cookie or token it was is
// out. A request that is under way with such a cookie gets [ErrGone] instead
// of a new one, and what it changes is not saved unless that was under way
// already. If no key was made before that time, nothing changes, and none is
// made. A key that was made later than now, by a clock that was ahead, was
// made at no time that can be trusted: it is removed too.
//
// Records stay until they expire, though nobody can reach them, and count
// among the sessions of their owner: with [RefuseLogin] call
// [Manager.RevokeAll] then, or nobody can sign in who has as many as
// [WithMaxSessionsPerOwner] allows.
//
// With [WithKeys] it is an error: take the key out of the list instead.
func (m *Manager) RevokeKeys(ctx context.Context, before time.Time) error {
	if m.ring.store == nil {
		return misuse("RevokeKeys: the keys come from WithKeys: take out of that list what is not to open any more")
	}
	removed, err := m.ring.revoke(ctx, before, time.UnixMilli(m.now()))
	if removed {
		m.emit(ctx, Event{Kind: EventKeysRevoked})
	}
	return err
}

// revoke removes the keys that were made before a time, or are from the
// future. It reports whether there were any.
func (r *keyRing) revoke(ctx context.Context, before, now time.Time) (removed bool, err error) {
	err = r.change(ctx, func(keys []ringKey) ([]ringKey, bool) {
		var keep []ringKey
		for _, key := range keys {
			if before.UnixMilli() <= key.Made && key.Made <= now.UnixMilli() {
				keep = append(keep, key)
			}
		}
		if removed = len(keep) < len(keys); !removed {
			return nil, false
		}
		return inTurn(append(keep, newRingKey(keys, now, now.UnixMilli()))), true
	})
	return removed && err == nil, err
}

// change replaces the ring by what f makes of the newest one, until no other
// process comes in between. f reports whether there is anything to change.
func (r *keyRing) change(ctx context.Context, f func([]ringKey) ([]ringKey, bool)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch err := r.load(ctx); {
		case errors.Is(err, store.ErrNotFound):
			r.version = 0
		case err != nil:
			return err
		}
		next, changed := f(*r.keys.Load())
		if !changed {
			return nil
		}
		data, err := r.wrapping.encode(next)
		if err != nil {
			return err
		}
		err = r.store.Save(ctx, store.Record{ID: r.id, Version: r.version + 1, Data: data})
		if err == nil {
			r.version++
			r.rewrap = false
			r.keys.Store(&next)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return writeError("save the key ring", err)
		}
	}
}
