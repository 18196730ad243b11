package gimlet

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// A CSRF token is ring key ID (4 bytes) | HMAC-SHA256 of the session's ID and
// of the number of its renewals, under a key derived from the ring key for
// this purpose. So it needs no storage, is the same for every page of a
// session, and changes with each Login and Renew.
const csrfSize = 4 + sha256.Size

// CSRFToken returns a token for the session's forms, beginning a session if
// there is none. Put it into a hidden field, and check what comes back with
// [Session.ValidCSRF]. It stays the same until the next Login or Renew, or
// until the ring key rotates; tokens from before a rotation stay valid.
//
// The cookie is SameSite=Lax by default, and net/http's CrossOriginProtection
// needs no tokens at all: prefer it where old browsers do not matter.
func (s *Session) CSRFToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begin() {
		return ""
	}
	now := time.UnixMilli(s.m.now())
	mac, err := s.csrf(s.m.ring.sealing(now))
	if err == nil && !s.m.ring.trusts(s.sealedBy, now) {
		err = ErrGone // see Session.seal
	}
	if err != nil {
		s.fail(err)
		return ""
	}
	return base64url.EncodeToString(mac)
}

// ValidCSRF reports whether token came from [Session.CSRFToken] of this
// session, since its last Login or Renew. It takes the same time for every
// wrong token.
func (s *Session) ValidCSRF(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		return false
	}
	got, err := base64url.DecodeString(token)
	if err != nil || len(got) != csrfSize {
		return false
	}
	key, ok, err := s.m.ring.find(s.ctx, binary.BigEndian.Uint32(got), time.UnixMilli(s.m.now()))
	if err != nil {
		s.fail(err)
		return false
	}
	if !ok {
		return false
	}
	want, err := s.csrf(key)
	return err == nil && hmac.Equal(got, want)
}

func (s *Session) csrf(key ringKey) ([]byte, error) {
	renewals := s.state.renewals
	if s.renews() {
		renewals++
	}
	secret, err := hkdf.Key(sha256.New, key.Secret, nil, "gimlet 1 csrf\x00"+s.m.cfg.name, 32)
	if err != nil {
		return nil, misuse("derive the CSRF key: %w", err)
	}
	h := hmac.New(sha256.New, secret)
	h.Write(s.token.id[:])
	h.Write(binary.BigEndian.AppendUint32(nil, renewals))
	return h.Sum(binary.BigEndian.AppendUint32(nil, key.ID)), nil
}
