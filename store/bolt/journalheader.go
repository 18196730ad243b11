package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The journal is a file beside the database: a header, and a ring of frames.
//
//	magic    8 bytes   "gimletjn"
//	version  4 bytes   of this format, big endian: 1
//	size     8 bytes   of the ring, big endian
//	id      16 bytes   random
//	sum      4 bytes   CRC-32C, big endian, of all before it
//
// The ring begins at journalBase. The database says which journal is its own,
// and from which position on (see journalKey); every other file of that name
// is worth nothing.
const (
	journalSuffix  = "-journal"
	journalMagic   = "gimletjn"
	journalVersion = 1
	journalHeader  = 40
	journalBase    = 4096

	minRing = 1 << 20
	maxRing = 1 << 30
)

func encodeHeader(id journalID, size int64) []byte {
	b := append([]byte(nil), journalMagic...)
	b = binary.BigEndian.AppendUint32(b, journalVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b = append(b, id[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readHeader returns the identity of a journal and the size of its ring.
func readHeader(r io.ReaderAt) (id journalID, size int64, err error) {
	b := make([]byte, journalHeader)
	if _, err := r.ReadAt(b, 0); err != nil {
		return id, 0, fmt.Errorf("the header of the journal: %w", err)
	}
	body := b[:journalHeader-sumSize]
	if string(b[:8]) != journalMagic || crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return id, 0, errors.New("the header of the journal is not one")
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != journalVersion {
		return id, 0, &VersionError{Found: uint64(v), Supported: journalVersion}
	}
	size = int64(binary.BigEndian.Uint64(b[12:]))
	if size < minRing || size > maxRing || size%frameAlign != 0 {
		return id, 0, errors.New("the header of the journal gives an impossible size")
	}
	return journalID(b[20:]), size, nil
}
