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
// out. Records stay until they expire; to end them too, call RevokeAll.
//
// With [WithKeys] it is an error: take the key out of the list instead.
func (m *Manager) RevokeKeys(ctx context.Context, before time.Time) error {
	if m.ring.store == nil {
		return misuse("RevokeKeys: the keys come from WithKeys: take out of that list what is not to open any more")
	}
	if err := m.ring.revoke(ctx, before, time.UnixMilli(m.now())); err != nil {
		return err
	}
	m.emit(ctx, Event{Kind: EventKeysRevoked})
	return nil
}

// revoke removes the keys that were made before a time.
func (r *keyRing) revoke(ctx context.Context, before, now time.Time) error {
	return r.change(ctx, func(keys []ringKey) ([]ringKey, bool) {
		var keep []ringKey
		for _, key := range keys {
			if key.Made >= before.UnixMilli() {
				keep = append(keep, key)
			}
		}
		if len(keep) == len(keys) {
			return nil, false
		}
		return append(keep, newRingKey(keys, now, now.UnixMilli())), true
	})
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
			return storeError("save the key ring", err)
		}
	}
}
