package gimlet

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/gimlet-go/gimlet/store"
)

// A secret is the half of a token that only the client holds.
type secret [16]byte

// A digest is the SHA-256 of a secret, which is all that the store learns.
type digest [sha256.Size]byte

func newSecret() secret {
	var s secret
	rand.Read(s[:])
	return s
}

func (s secret) digest() digest { return sha256.Sum256(s[:]) }

func (d digest) equal(other digest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

func (s secret) equal(other secret) bool {
	return subtle.ConstantTimeCompare(s[:], other[:]) == 1
}

// A token is what the client holds, sealed: the ID finds the record, and the
// secret opens it.
type token struct {
	id     store.ID
	secret secret
}

// A previous is the secret before the last scheduled renewal, which still
// works for a while so that requests that are under way with it converge on
// the new one. The record cannot keep the new secret for them, since a thief
// of the file could read it; it keeps it under a pad that only the holder of
// the old secret can make.
type previous struct {
	hash  digest
	until int64 // ms
	box   secret
}

func pad(old secret) secret {
	sum := sha256.Sum256(append([]byte("gimlet renewal\x00"), old[:]...))
	return secret(sum[:16])
}

func (s secret) xor(other secret) secret {
	subtle.XORBytes(s[:], s[:], other[:])
	return s
}
