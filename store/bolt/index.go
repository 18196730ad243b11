package bolt

import (
	"encoding/binary"

	"github.com/gimlet-go/gimlet/store"
)

// The keys of the two indexes; their values are empty.
//
//	expiry   8 bytes   milliseconds since 1970, big endian
//	        16 bytes   the ID
//
//	owners   2 bytes   the length of the owner, big endian
//	           bytes   the owner
//	        16 bytes   the ID
//
// The length in front keeps the entries of one owner together and apart from
// those of every other, whatever bytes an owner has.
const (
	idSize        = len(store.ID{})
	timeSize      = 8
	expiryKeySize = timeSize + idSize
	lengthSize    = 2
)

func expiryKey(ms int64, id store.ID) []byte {
	k := make([]byte, 0, expiryKeySize)
	k = binary.BigEndian.AppendUint64(k, uint64(ms))
	return append(k, id[:]...)
}

// parseExpiryKey reports false for a key that this package does not write.
func parseExpiryKey(k []byte) (ms int64, id store.ID, ok bool) {
	if len(k) != expiryKeySize {
		return 0, store.ID{}, false
	}
	return int64(binary.BigEndian.Uint64(k)), store.ID(k[timeSize:]), true
}

// ownerPrefix is what all entries of an owner begin with.
func ownerPrefix[T string | []byte](owner T) []byte {
	k := make([]byte, 0, lengthSize+len(owner)+idSize)
	k = binary.BigEndian.AppendUint16(k, uint16(len(owner)))
	return append(k, owner...)
}

func ownerKey[T string | []byte](owner T, id store.ID) []byte {
	return append(ownerPrefix(owner), id[:]...)
}
