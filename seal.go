package gimlet

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// An envelope is what a cookie or token carries, in unpadded base64url:
//
//	form (1 byte) | ring key ID (4) | day (2) | body
//
// In the sealed form the body is AES-256-GCM with a random nonce (nonce 12,
// ciphertext, tag 16); in the signed form it is the payload in the clear and
// HMAC-SHA256 (32). The 7 bytes in front are authenticated in both. The key
// is derived from the ring key with HKDF-SHA256 for one purpose, one day and
// one form, so that no ring key sees more than a day's random nonces, and so
// that nothing sealed for one purpose opens for another.
const (
	formSealed = 1
	formSigned = 2

	envelopeHeader = 1 + 4 + 2
	gcmOverhead    = 12 + 16
	macSize        = sha256.Size

	// padTo is the bucket to which sealed payloads are padded, so that the
	// length of a cookie says little about what is in it.
	padTo = 32
)

// base64url is strict: of the several texts that decode to the same bytes only
// one is accepted.
var base64url = base64.RawURLEncoding.Strict()

// Why an envelope was not opened. Clients never learn which.
var (
	errNotOurs  = errors.New("not an envelope of this form")
	errStaleKey = errors.New("sealed with a key that is not in the ring")
	errTampered = errors.New("does not authenticate")
)

// A sealer makes and opens the envelopes of one purpose: a kind of cookie
// under one name, or tokens. It is safe for concurrent use.
type sealer struct {
	ring   *keyRing
	info   string // purpose, cookie name and manager name
	signed bool
	recent *recall // of what was opened, nil for none

	mu    sync.RWMutex
	cache map[subkey]*derived
}

// A subkey names a derived key.
type subkey struct {
	ring uint32
	day  uint16
}

// derived is what is kept of a derived key: making the cipher costs more than
// using it.
type derived struct {
	aead cipher.AEAD // sealed form
	mac  []byte      // signed form
	kept atomic.Bool // in the cache
}

// maxDerived bounds the cache of derived keys, since the day stands in what
// the client sends.
const maxDerived = 64

func newSealer(ring *keyRing, purpose, name, manager string, signed bool) *sealer {
	return &sealer{
		ring:   ring,
		info:   "gimlet 1 " + purpose + "\x00" + name + "\x00" + manager + "\x00",
		signed: signed,
		cache:  make(map[subkey]*derived),
	}
}

func (s *sealer) form() byte {
	if s.signed {
		return formSigned
	}
	return formSealed
}

// size is the length of the envelope's text for a payload of n bytes.
func (s *sealer) size(n int) int {
	if s.signed {
		return base64url.EncodedLen(envelopeHeader + n + macSize)
	}
	return base64url.EncodedLen(envelopeHeader + padded(n) + gcmOverhead)
}

// padded is the length of a padded payload: one byte of marker at least.
func padded(n int) int { return (n/padTo + 1) * padTo }

// seal returns the text of an envelope around payload.
func (s *sealer) seal(payload []byte, now time.Time) (string, error) {
	key := s.ring.sealing(now)
	day := dayOf(now)
	k, err := s.derive(key, day)
	if err != nil {
		return "", err
	}
	s.keep(subkey{key.ID, day}, k)
	buf := make([]byte, envelopeHeader, envelopeHeader+padded(len(payload))+gcmOverhead+macSize)
	buf[0] = s.form()
	binary.BigEndian.PutUint32(buf[1:], key.ID)
	binary.BigEndian.PutUint16(buf[5:], day)
	if s.signed {
		buf = append(buf, payload...)
		buf = append(buf, k.sum(buf)...)
	} else {
		plain := make([]byte, padded(len(payload)))
		copy(plain, payload)
		plain[len(payload)] = 0x80
		buf = k.aead.Seal(buf, nil, plain, buf)
	}
	return base64url.EncodeToString(buf), nil
}

// open returns the payload of an envelope, and the ID of the ring key that it
// was made with. Nothing of the body is looked at before it has been
// authenticated. The payload may be shared, and must not be changed.
func (s *sealer) open(ctx context.Context, text string, now time.Time) (payload []byte, by uint32, err error) {
	o, err := s.recall(ctx, text, now)
	return o.plain, o.by, err
}

// An unsealed is what was in an envelope, and the one that is remembered of its
// text, if any.
type unsealed struct {
	plain      []byte
	by         uint32
	remembered *openedEnvelope
}

// recall is open for those who have a use for what is remembered.
func (s *sealer) recall(ctx context.Context, text string, now time.Time) (unsealed, error) {
	var mark uint64
	if s.recent != nil {
		mark = s.recent.mark(text)
		if o := s.recent.find(mark, text); o != nil {
			if _, ok := s.ring.known(o.by, now); ok {
				return unsealed{o.plain, o.by, o}, nil
			}
		}
	}
	plain, by, err := s.decode(ctx, text, now)
	if err == nil && s.recent != nil {
		s.recent.keep(mark, text, plain, by)
	}
	return unsealed{plain: plain, by: by}, err
}

// decode is open without memory.
func (s *sealer) decode(ctx context.Context, text string, now time.Time) (payload []byte, by uint32, err error) {
	buf := make([]byte, base64url.DecodedLen(len(text)))
	n, err := base64url.Decode(buf, []byte(text))
	if base64url.EncodedLen(n) != len(text) { // the decoder skips line ends
		return nil, 0, errNotOurs
	}
	if err != nil || n < envelopeHeader || buf[0] != s.form() {
		return nil, 0, errNotOurs
	}
	header, body := buf[:envelopeHeader], buf[envelopeHeader:n]
	key, ok, err := s.ring.find(ctx, binary.BigEndian.Uint32(header[1:]), now)
	if err != nil {
		return nil, 0, err
	}
	if !ok {
		return nil, 0, errStaleKey
	}
	day := binary.BigEndian.Uint16(header[5:])
	k, err := s.derive(key, day)
	if err != nil {
		return nil, 0, err
	}
	if s.signed {
		payload, err = k.verify(buf[:n])
	} else {
		payload, err = k.decrypt(header, body)
	}
	if err == nil {
		s.keep(subkey{key.ID, day}, k)
	}
	return payload, key.ID, err
}

func (k *derived) decrypt(header, body []byte) ([]byte, error) {
	if len(body) < gcmOverhead {
		return nil, errNotOurs
	}
	plain, err := k.aead.Open(body[:0], nil, body, header)
	if err != nil {
		return nil, errTampered
	}
	for i := len(plain) - 1; i >= 0; i-- {
		switch plain[i] {
		case 0:
		case 0x80:
			return plain[:i:i], nil
		default:
			return nil, errTampered
		}
	}
	return nil, errTampered
}

func (k *derived) verify(envelope []byte) ([]byte, error) {
	if len(envelope) < envelopeHeader+macSize {
		return nil, errNotOurs
	}
	signed := envelope[: len(envelope)-macSize : len(envelope)-macSize]
	if !hmac.Equal(k.sum(signed), envelope[len(signed):]) {
		return nil, errTampered
	}
	return signed[envelopeHeader:], nil
}

func (k *derived) sum(b []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(b)
	return h.Sum(nil)
}

func dayOf(t time.Time) uint16 {
	return uint16(t.Unix() / (24 * 60 * 60))
}

// derive returns the key for one day.
func (s *sealer) derive(key ringKey, day uint16) (*derived, error) {
	name := subkey{key.ID, day}
	s.mu.RLock()
	k := s.cache[name]
	s.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	info := string(append([]byte(s.info), s.form(), byte(day>>8), byte(day)))
	secret, err := hkdf.Key(sha256.New, key.Secret, nil, info, 32)
	if err != nil {
		return nil, fmt.Errorf("gimlet: derive a key: %w", err)
	}
	k = &derived{mac: secret}
	if !s.signed {
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, fmt.Errorf("gimlet: derive a key: %w", err)
		}
		if k.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("gimlet: derive a key: %w", err)
		}
	}
	return k, nil
}

// keep puts a derived key into the cache, once something has authenticated
// with it: the day is the client's to choose.
func (s *sealer) keep(name subkey, k *derived) {
	if k.kept.Swap(true) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cache) >= maxDerived {
		for other, old := range s.cache {
			old.kept.Store(false)
			delete(s.cache, other)
		}
	}
	s.cache[name] = k
}
