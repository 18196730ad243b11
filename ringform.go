package gimlet

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/gimlet-go/gimlet/store"
)

// The forms of a key ring record: a CBOR array of keys behind one byte, in the
// clear or, with WithKeyEncryption, sealed with AES-256-GCM under a key that
// is not in the store. See docs/format.md, "Key ring".
const (
	ringFormat       = 1
	ringFormatSealed = 2

	ringHeader = 1 + 4 // format, ID of the encryption key
)

// A wrapping seals and opens key ring records. Its zero value leaves them in
// the clear.
type wrapping struct {
	keys [][]byte // the first seals, all open
	id   store.ID // of the record
}

func (w *wrapping) cipher(key []byte) (uint32, cipher.AEAD, error) {
	sum := sha256.Sum256(append([]byte("gimlet key id\x00"), key...))
	secret, err := hkdf.Key(sha256.New, key, nil, "gimlet 1 key ring\x00"+string(w.id[:]), 32)
	if err != nil {
		return 0, nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return 0, nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return binary.BigEndian.Uint32(sum[:]), aead, err
}

func (w *wrapping) encode(keys []ringKey) ([]byte, error) {
	data, err := cbor.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("gimlet: encode the key ring: %w", err)
	}
	if len(w.keys) == 0 {
		return append([]byte{ringFormat}, data...), nil
	}
	id, aead, err := w.cipher(w.keys[0])
	if err != nil {
		return nil, fmt.Errorf("gimlet: encrypt the key ring: %w", err)
	}
	header := binary.BigEndian.AppendUint32([]byte{ringFormatSealed}, id)
	return aead.Seal(header, nil, data, header), nil
}

// decode returns the keys of a record, and whether it is to be written anew
// because it is not sealed with the first key.
func (w *wrapping) decode(data []byte) (keys []ringKey, rewrap bool, err error) {
	switch {
	case len(data) > 0 && data[0] == ringFormat:
		keys, err = decodeKeys(data[1:])
		return keys, len(w.keys) > 0, err
	case len(data) > ringHeader && data[0] == ringFormatSealed:
		plain, rewrap, err := w.open(data)
		if err != nil {
			return nil, false, err
		}
		keys, err = decodeKeys(plain)
		return keys, rewrap, err
	}
	return nil, false, errors.New("a format that this version does not know: use the version that wrote it, or a newer one")
}

func (w *wrapping) open(data []byte) (plain []byte, rewrap bool, err error) {
	if len(w.keys) == 0 {
		return nil, false, errors.New("it is encrypted: give its key with WithKeyEncryption")
	}
	header, body := data[:ringHeader:ringHeader], data[ringHeader:]
	for i, key := range w.keys {
		id, aead, err := w.cipher(key)
		if err != nil {
			return nil, false, err
		}
		if id != binary.BigEndian.Uint32(header[1:]) {
			continue
		}
		if plain, err := aead.Open(nil, nil, body, header); err == nil {
			return plain, i > 0, nil
		}
		return nil, false, errors.New("it does not authenticate")
	}
	return nil, false, errors.New("it is encrypted with a key that WithKeyEncryption was not given")
}

func decodeKeys(data []byte) ([]ringKey, error) {
	var keys []ringKey
	if err := cbor.Unmarshal(data, &keys); err != nil {
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
