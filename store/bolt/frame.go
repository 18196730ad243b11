package bolt

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/gimlet-go/gimlet/store"
)

// A frame of the journal holds what one group has changed.
//
//	magic     4 bytes   "gjf1"
//	length    4 bytes   of the entries, big endian
//	position  8 bytes   where the frame begins, big endian
//	sum       4 bytes   CRC-32C, big endian, of the journal's identity, the
//	                    length, the position and the entries
//	entries
//
// An entry is one of these. A uvarint is that of encoding/binary.
//
//	1  ID  uvarint, bytes     the record is now this (see record, lag 0)
//	2  ID                     the record is gone
//	3  ID  uvarint, uvarint   the record, if it has this version, expires then
//
// A position counts all bytes that the journal ever had room for: a frame
// begins at a multiple of frameAlign, and lies at its position modulo the size
// of the ring. So what an earlier lap has left is never taken for a frame.
const (
	frameMagic  = "gjf1"
	frameHeader = 20
	frameAlign  = 512 // a disk writes at least this much whole

	entryPut    = 1
	entryDelete = 2
	entryTouch  = 3
)

// A journalID tells the journals of one database apart.
type journalID [16]byte

// appendEntry appends what has become of a record.
func appendEntry(b []byte, m move) []byte {
	s := m.state
	switch {
	case s.gone:
		b = append(b, entryDelete)
		return append(b, m.id[:]...)
	case s.touched:
		b = append(b, entryTouch)
		b = append(b, m.id[:]...)
		b = binary.AppendUvarint(b, s.version)
		return binary.AppendUvarint(b, uint64(s.expires))
	}
	sealed := s.draft.seal(m.id, s.version, s.expires, s.expires)
	b = append(b, entryPut)
	b = append(b, m.id[:]...)
	b = binary.AppendUvarint(b, uint64(len(sealed)))
	return append(b, sealed...)
}

// finishFrame writes the header of a frame whose entries are there already.
func finishFrame(b []byte, id journalID, position int64) {
	copy(b, frameMagic)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-frameHeader))
	binary.BigEndian.PutUint64(b[8:], uint64(position))
	binary.BigEndian.PutUint32(b[16:], frameSum(id, b))
}

func frameSum(id journalID, b []byte) uint32 {
	sum := crc32.Checksum(id[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, b[4:16])
	return crc32.Update(sum, castagnoli, b[frameHeader:])
}

// parseFrame returns the frame that b begins with, if there is a whole one, and
// its position.
func parseFrame(b []byte, id journalID) (frame []byte, position int64, ok bool) {
	if len(b) < frameHeader || string(b[:4]) != frameMagic {
		return nil, 0, false
	}
	n := uint64(binary.BigEndian.Uint32(b[4:])) + frameHeader
	if n > uint64(len(b)) {
		return nil, 0, false
	}
	b = b[:n]
	return b, int64(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint32(b[16:]) == frameSum(id, b)
}

// An entry is what a frame says of one record.
type entry struct {
	what   byte
	id     store.ID
	record record // of a put: parts of the frame; of a touch: version and expires alone
}

var errEntry = errors.New("an entry of the journal is malformed")

// nextEntry reads the entry that b begins with, and returns what follows it.
func nextEntry(b []byte) (e entry, rest []byte, err error) {
	if len(b) < 1+idSize {
		return e, nil, errEntry
	}
	e.what, e.id = b[0], store.ID(b[1:])
	b = b[1+idSize:]
	switch e.what {
	case entryDelete:
		return e, b, nil
	case entryTouch:
		version, n := binary.Uvarint(b)
		if n <= 0 {
			return e, nil, errEntry
		}
		expires, k := binary.Uvarint(b[n:])
		if k <= 0 || expires > maxMillis {
			return e, nil, errEntry
		}
		e.record.version, e.record.expires = version, int64(expires)
		return e, b[n+k:], nil
	case entryPut:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return e, nil, errEntry
		}
		b = b[n:]
		e.record, err = decodeRecord(e.id, b[:size])
		return e, b[size:], err
	}
	return e, nil, errEntry
}

// state is what a record has become by a put or a delete. It outlives the frame.
func (e entry) state() *state {
	if e.what == entryDelete {
		return &state{gone: true}
	}
	return newState(e.record.version, e.record.expires, newDraft(e.record.owner, e.record.data))
}
