package gimlet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

const (
	// rotateEvery is how long a ring key seals.
	rotateEvery = 30 * 24 * time.Hour

	// rotateAhead is how long before its turn a ring key is made, so that
	// every process on the store knows it when the first cookie arrives.
	rotateAhead = 24 * time.Hour

	// maxLifetime is the longest life of a session and its cookie: browsers
	// cap cookies at 400 days (RFC 6265bis section 5.5). A ring key opens for
	// that long after the last cookie was sealed with it.
	maxLifetime = 400 * 24 * time.Hour

	// refreshEvery bounds how long a change that another process made in the
	// store (a new ring key, a revocation) can go unseen.
	refreshEvery = 10 * time.Second

	minKeySize = 32
)

// A keyRing holds the keys that seal cookies. The newest whose time has come
// seals, all open. The keys come from WithKeys, or are made on first use,
// kept in the store, and rotated. Reads take no lock.
type keyRing struct {
	keys  atomic.Pointer[[]ringKey] // in order of From; never modified
	mu    sync.Mutex                // held by refresh and rotate
	store store.Store               // nil: the keys are given
	id    store.ID
	wrapping
	version uint64
	rewrap  bool      // the record is to be written anew: see wrapping
	tried   time.Time // of the last refresh that an unknown key caused
	failed  error     // of that refresh
}

// givenRing is the ring of WithKeys: the first seals, all open.
func givenRing(keys [][]byte) *keyRing {
	r := &keyRing{}
	list := make([]ringKey, 0, len(keys))
	for i, key := range keys {
		sum := sha256.Sum256(append([]byte("gimlet key id\x00"), key...))
		list = append(list, ringKey{
			ID:     binary.BigEndian.Uint32(sum[:]),
			Secret: slices.Clone(key),
			From:   int64(-i), // the order, newest last
		})
	}
	slices.Reverse(list)
	r.keys.Store(&list)
	return r
}

// openRing loads the ring that is kept in s, or makes it.
func openRing(ctx context.Context, s store.Store, manager string, encryption [][]byte) (*keyRing, error) {
	id := reservedID(manager, "key ring")
	r := &keyRing{store: s, id: id, wrapping: wrapping{keys: encryption, id: id}}
	r.keys.Store(new([]ringKey))
	if _, err := r.rotate(ctx, time.Now()); err != nil {
		return nil, err
	}
	return r, nil
}

// sealing returns the key that seals at now.
func (r *keyRing) sealing(now time.Time) ringKey {
	keys := *r.keys.Load()
	for i := len(keys) - 1; i > 0; i-- {
		if keys[i].From <= now.UnixMilli() {
			return keys[i]
		}
	}
	return keys[0]
}

// find returns the key with an ID. A key that is not known may have been made
// by another process: the ring is loaded again, at most once per refreshEvery
// whatever clients send, and whether or not the one that caused it waits. If
// that fails, it is an error until the next time, since a key that cannot be
// looked for is not one that does not exist.
func (r *keyRing) find(ctx context.Context, id uint32, now time.Time) (ringKey, bool, error) {
	if key, ok := r.known(id, now); ok || r.store == nil {
		return key, ok, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if since := now.Sub(r.tried); since >= 0 && since < refreshEvery {
		return r.missing(id, now)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	r.tried, r.failed = now, r.load(ctx)
	if errors.Is(r.failed, store.ErrNotFound) {
		r.failed = nil // then no other process has made a key
	}
	return r.missing(id, now)
}

// missing looks again for a key that was not known before the last refresh.
func (r *keyRing) missing(id uint32, now time.Time) (ringKey, bool, error) {
	if key, ok := r.known(id, now); ok {
		return key, true, nil
	}
	return ringKey{}, false, r.failed
}

func (r *keyRing) known(id uint32, now time.Time) (ringKey, bool) {
	for _, key := range *r.keys.Load() {
		if key.ID == id && (key.Until == 0 || now.UnixMilli() < key.Until) {
			return key, true
		}
	}
	return ringKey{}, false
}

// trusts reports whether none of the keys with these IDs, 0 aside, has been
// revoked or has ended.
func (r *keyRing) trusts(ids [2]uint32, now time.Time) bool {
	for _, id := range ids {
		if _, ok := r.known(id, now); id != 0 && !ok {
			return false
		}
	}
	return true
}

// rotate loads the ring and, when the newest key's turn is near its end,
// adds the next. Of several processes that do so at once one wins, and the
// others take its key. It reports whether this call added a key.
func (r *keyRing) rotate(ctx context.Context, now time.Time) (added bool, err error) {
	if r.store == nil {
		return false, nil
	}
	err = r.change(ctx, func(keys []ringKey) ([]ringKey, bool) {
		next, due := nextRing(keys, now)
		if added = due; due {
			return next, true
		}
		return keys, r.rewrap
	})
	return added && err == nil, err
}

// load reads the ring from the store. The caller holds mu.
func (r *keyRing) load(ctx context.Context) error {
	rec, err := r.store.Load(ctx, r.id)
	if err != nil {
		return storeError("load the key ring", err)
	}
	keys, rewrap, err := r.wrapping.decode(rec.Data)
	if err != nil {
		return fmt.Errorf("gimlet: the key ring: %w", errors.Join(store.ErrCorrupt, err))
	}
	r.version, r.rewrap = rec.Version, rewrap
	r.keys.Store(&keys)
	return nil
}
