package gimlet

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A ringKey is one cryptographic key of the ring. Nothing is sealed with it
// directly: see sealer.
type ringKey struct {
	ID     uint32 `cbor:"1,keyasint"` // not 0
	Secret []byte `cbor:"2,keyasint"`
	From   int64  `cbor:"3,keyasint"`           // seals from this time on, until the next key does; ms
	Until  int64  `cbor:"4,keyasint"`           // opens until then, 0 while it is the newest; ms
	Made   int64  `cbor:"5,keyasint,omitempty"` // when it was made; ms
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
	return inTurn(append(next, newRingKey(next, now, from))), true
}

// inTurn puts keys in the order of their turns, and has each open as long as a
// cookie of its turn can live.
func inTurn(keys []ringKey) []ringKey {
	slices.SortStableFunc(keys, func(a, b ringKey) int { return cmp.Compare(a.From, b.From) })
	for i := range len(keys) - 1 {
		keys[i].Until = keys[i+1].From + maxLifetime.Milliseconds()
	}
	return keys
}

func newRingKey(others []ringKey, now time.Time, from int64) ringKey {
	key := ringKey{Secret: make([]byte, minKeySize), From: from, Made: now.UnixMilli()}
	rand.Read(key.Secret)
	for taken := true; taken; {
		var id [4]byte
		rand.Read(id[:])
		key.ID = binary.BigEndian.Uint32(id[:])
		taken = key.ID == 0 || slices.ContainsFunc(others, func(k ringKey) bool { return k.ID == key.ID })
	}
	return key
}

// checkKeys refuses keys that an attacker could guess. It cannot prove that a
// key is random, only catch what is certainly not.
func checkKeys(option string, keys [][]byte) error {
	if len(keys) == 0 {
		return errors.New(option + ": give at least one key, or leave the option out")
	}
	for i, key := range keys {
		if len(key) < minKeySize {
			return fmt.Errorf("%s: key %d has %d bytes: use at least %d random bytes, made once with crypto/rand", option, i+1, len(key), minKeySize)
		}
		if guessable(key) {
			return fmt.Errorf("%s: key %d is not random: use at least %d random bytes, made once with crypto/rand", option, i+1, minKeySize)
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
