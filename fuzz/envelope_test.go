package fuzz_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/docs"
)

// ringKey is the key of every manager here, so that inputs on disk that were
// sealed with it stay genuine.
var ringKey = []byte("an example: do not use this key!")

// An envelope is what docs/format.md calls so, sealed or signed by code that
// the library does not share.
type envelope struct {
	purpose string
	cookie  string // the name of the session's cookie
	keyID   [4]byte
	day     uint16
}

func newEnvelope(purpose, cookie string) envelope {
	sum := sha256.Sum256(append([]byte("gimlet key id\x00"), ringKey...))
	return envelope{purpose: purpose, cookie: cookie, keyID: [4]byte(sum[:]), day: 20_455}
}

// The envelopes that managers of this package open.
var (
	sessionEnvelope   = newEnvelope("session", cookieName)
	transientEnvelope = newEnvelope("transient", cookieName)
	tokenEnvelope     = newEnvelope("token", "")
)

const (
	formSealed = 1
	formSigned = 2
)

func (e envelope) header(form byte) []byte {
	return binary.BigEndian.AppendUint16(append([]byte{form}, e.keyID[:]...), e.day)
}

func (e envelope) key(form byte) []byte {
	info := "gimlet 1 " + e.purpose + "\x00" + e.cookie + "\x00default\x00"
	info += string(binary.BigEndian.AppendUint16([]byte{form}, e.day))
	key, err := hkdf.Key(sha256.New, ringKey, nil, info, 32)
	if err != nil {
		panic(err)
	}
	return key
}

// sign returns the bytes of the signed form.
func (e envelope) sign(payload []byte) []byte {
	b := append(e.header(formSigned), payload...)
	mac := hmac.New(sha256.New, e.key(formSigned))
	mac.Write(b)
	return mac.Sum(b)
}

// seal returns the bytes of the sealed form.
func (e envelope) seal(payload, nonce []byte) []byte {
	block, err := aes.NewCipher(e.key(formSealed))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	plain := make([]byte, (len(payload)/32+1)*32)
	copy(plain, payload)
	plain[len(payload)] = 0x80
	header := e.header(formSealed)
	return aead.Seal(append(e.header(formSealed), nonce...), nonce, plain, header)
}

// signed and sealed return the texts. The nonce of sealed follows from the
// payload, so that seeds are the same in every run.
func (e envelope) signed(payload []byte) string { return base64url(e.sign(payload)) }

func (e envelope) sealed(payload []byte) string {
	sum := sha256.Sum256(payload)
	return base64url(e.seal(payload, sum[:12]))
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// If this does not make what the page shows, the targets that rely on it reach
// nothing.
func TestEnvelope(t *testing.T) {
	page := docs.Read(t, "../docs/format.md")
	payload := docs.Bytes(t, page, "cookie")
	e := newEnvelope("session", "__Host-id")
	require.Equal(t, docs.Bytes(t, page, "given-key-id"), e.keyID[:])
	e.keyID = [4]byte{1, 2, 3, 4}
	require.Equal(t, docs.Bytes(t, page, "signed"), e.sign(payload))
	sealed := docs.Bytes(t, page, "sealed")
	require.Equal(t, sealed, e.seal(payload, sealed[7:7+12]))
}
