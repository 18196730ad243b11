package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// An ID names a record. It is unique but not secret: it may be logged and
// shown, and opens nothing.
//
// The first 6 bytes are the time of creation in milliseconds since 1970, big
// endian; the other 10 are random. So records that were made together lie
// together in an ordered store, which makes writing them cheaper.
//
// IDs with a time of zero are reserved: [NewID] never makes one, and the
// session manager keeps its own records (key ring, revocations) under them.
type ID [16]byte

// NewID makes an ID for a record created at now. The random part comes from
// crypto/rand, which does not fail: it ends the program where the system has
// no randomness to give.
func NewID(now time.Time) ID {
	var id ID
	ms := uint64(max(now.UnixMilli(), 1)) // a clock that was never set must not make reserved IDs
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	rand.Read(id[6:])
	return id
}

// Created returns the time in the ID, to the millisecond.
func (id ID) Created() time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms)
}

// Reserved reports whether the ID is one of those that [NewID] never makes.
func (id ID) Reserved() bool {
	return [6]byte(id[:6]) == [6]byte{}
}

// String returns the ID as 32 lower-case hexadecimal digits. Their order is
// the order of the bytes.
func (id ID) String() string {
	return hex.EncodeToString(id[:])
}

// ParseID is the inverse of [ID.String]. Upper-case digits are accepted.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, errInvalidID
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errInvalidID
	}
	return id, nil
}

var errInvalidID = errors.New("store: an ID is 32 hexadecimal digits")

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) {
	return []byte(id.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) error {
	v, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}
