package gimlet_test

import (
	"crypto/sha256"
	"encoding/binary"
)

// key is a good key for WithKeys, always the same for a number.
func key(n uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	return sum[:]
}
