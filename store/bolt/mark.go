package bolt

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// journalKey is the key in the meta bucket under which the database keeps its
// mark. Without one there is no journal.
//
//	id        16 bytes   of the journal
//	position   8 bytes   big endian: of the oldest frame that the database does not have
//	sum        4 bytes   CRC-32C, big endian, of all before it
//
// The sum is there so that no damage leads past frames that are needed. Marks
// that were written before there was one have none.
var journalKey = []byte("journal")

// A mark is where a database stands in its journal.
type mark struct {
	id   journalID
	from int64 // the position from which on the database lacks what the journal has
}

const markSize = len(journalID{}) + 8 // without the sum

// maxPosition is more than anybody will ever append.
const maxPosition = 1 << 62

func (m mark) encode() []byte {
	b := binary.BigEndian.AppendUint64(m.id[:], uint64(m.from))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeMark(b []byte) (m mark, err error) {
	switch len(b) {
	case markSize:
	case markSize + sumSize:
		if binary.BigEndian.Uint32(b[markSize:]) != crc32.Checksum(b[:markSize], castagnoli) {
			return m, errors.New("it does not say which journal is its own: checksum mismatch")
		}
	default:
		return m, errors.New("it does not say which journal is its own")
	}
	m.id, m.from = journalID(b), int64(binary.BigEndian.Uint64(b[len(m.id):]))
	if m.from < 0 || m.from > maxPosition {
		return m, errors.New("it gives an impossible position in its journal")
	}
	return m, nil
}
