package gimlet

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"

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

// A ringKey is one cryptographic key of the ring. Nothing is sealed with it
// directly: see sealer.
type ringKey struct {
	ID     uint32 `cbor:"1,keyasint"`
	Secret []byte `cbor:"2,keyasint"`
	From   int64  `cbor:"3,keyasint"` // seals from this time on, until the next key does; ms
	Until  int64  `cbor:"4,keyasint"` // opens until then, 0 while it is the newest; ms
}

// A keyRing holds the keys that seal cookies. The newest whose time has come
// seals, all open. The keys come from WithKeys, or are made on first use,
// kept in the store, and rotated. Reads take no lock.
type keyRing struct {
	keys    atomic.Pointer[[]ringKey] // in order of From; never modified
	mu      sync.Mutex                // held by refresh and rotate
	store   store.Store               // nil: the keys are given
	id      store.ID
	version uint64
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
func openRing(ctx context.Context, s store.Store, manager string) (*keyRing, error) {
	r := &keyRing{store: s, id: reservedID(manager, "key ring")}
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

// rotate loads the ring and, when the newest key's turn is near its end,
// adds the next. Of several processes that do so at once one wins, and the
// others take its key. It reports whether this call added a key.
func (r *keyRing) rotate(ctx context.Context, now time.Time) (added bool, err error) {
	if r.store == nil {
		return false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch err := r.load(ctx); {
		case errors.Is(err, store.ErrNotFound):
			r.version = 0
		case err != nil:
			return false, err
		}
		next, due := nextRing(*r.keys.Load(), now)
		if !due {
			return false, nil
		}
		data, err := encodeRing(next)
		if err != nil {
			return false, err
		}
		err = r.store.Save(ctx, store.Record{ID: r.id, Version: r.version + 1, Data: data})
		if err == nil {
			r.version++
			r.keys.Store(&next)
			return true, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return false, storeError("save the key ring", err)
		}
	}
}

// nextRing returns the ring with the key that is due at now, and without the
// keys that open nothing any more.
func nextRing(keys []ringKey, now time.Time) ([]ringKey, bool) {
	from := now.UnixMilli()
	if len(keys) > 0 {
		end := keys[len(keys)-1].From + rotateEvery.Milliseconds()
		if now.UnixMilli() < end-rotateAhead.Milliseconds() {
			return nil, false
		}
		// After a long pause the turn has passed already: the next key waits
		// just long enough for the other processes to learn of it.
		from = max(end, now.Add(2*refreshEvery).UnixMilli())
	}
	next := make([]ringKey, 0, len(keys)+1)
	for _, key := range keys {
		if key.Until == 0 || now.UnixMilli() < key.Until {
			next = append(next, key)
		}
	}
	if n := len(next); n > 0 {
		next[n-1].Until = from + maxLifetime.Milliseconds()
	}
	return append(next, newRingKey(next, from)), true
}

func newRingKey(others []ringKey, from int64) ringKey {
	key := ringKey{Secret: make([]byte, minKeySize), From: from}
	rand.Read(key.Secret)
	for taken := true; taken; {
		var id [4]byte
		rand.Read(id[:])
		key.ID = binary.BigEndian.Uint32(id[:])
		taken = slices.ContainsFunc(others, func(k ringKey) bool { return k.ID == key.ID })
	}
	return key
}

// load reads the ring from the store. The caller holds mu.
func (r *keyRing) load(ctx context.Context) error {
	rec, err := r.store.Load(ctx, r.id)
	if err != nil {
		return storeError("load the key ring", err)
	}
	keys, err := decodeRing(rec.Data)
	if err != nil {
		return fmt.Errorf("gimlet: the key ring: %w", errors.Join(store.ErrCorrupt, err))
	}
	r.version = rec.Version
	r.keys.Store(&keys)
	return nil
}

const ringFormat = 1

func encodeRing(keys []ringKey) ([]byte, error) {
	data, err := cbor.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("gimlet: encode the key ring: %w", err)
	}
	return append([]byte{ringFormat}, data...), nil
}

func decodeRing(data []byte) ([]ringKey, error) {
	if len(data) == 0 || data[0] != ringFormat {
		return nil, errors.New("a format that this version does not know: use the version that wrote it, or a newer one")
	}
	var keys []ringKey
	if err := cbor.Unmarshal(data[1:], &keys); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no key")
	}
	for _, key := range keys {
		if len(key.Secret) < minKeySize {
			return nil, errors.New("a key is too short")
		}
	}
	slices.SortStableFunc(keys, func(a, b ringKey) int { return cmp.Compare(a.From, b.From) })
	return keys, nil
}

// checkKeys refuses keys that an attacker could guess. It cannot prove that a
// key is random, only catch what is certainly not.
func checkKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return errors.New("WithKeys: give at least one key, or leave the option out: then a key ring is made and kept in the store")
	}
	for i, key := range keys {
		if len(key) < minKeySize {
			return fmt.Errorf("WithKeys: key %d has %d bytes: use at least %d random bytes, made once with crypto/rand", i+1, len(key), minKeySize)
		}
		if guessable(key) {
			return fmt.Errorf("WithKeys: key %d is not random: use at least %d random bytes, made once with crypto/rand", i+1, minKeySize)
		}
	}
	return nil
}

// guessable reports whether a key repeats itself, counts up or down, or has
// fewer than 10 different bytes: of a million million random keys of 32 bytes
// not one has so few, nor has one in hexadecimal digits.
func guessable(key []byte) bool {
	var seen [256]bool
	distinct, steady := 0, 0
	for i, b := range key {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
		if i > 1 && key[i]-key[i-1] == key[i-1]-key[i-2] {
			steady++
		}
	}
	for period := 1; period <= len(key)/2; period++ {
		if slices.Equal(key[period:], key[:len(key)-period]) {
			return true
		}
	}
	return distinct < 10 || steady > len(key)/2
}
