package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// The bytes of a record, layout 1. The key is its 16-byte ID.
//
//	layout   1 byte    1
//	version  uvarint   Record.Version, at least 1
//	expires  uvarint   Record.Expires in milliseconds since 1970; 0 is never
//	lag      uvarint   expires minus the time under which the record stands
//	                   in the expiry index; 0 when expires is 0
//	owner    uvarint   the length of the owner in bytes, at most 512
//	         bytes     the owner
//	data     bytes     up to the checksum
//	sum      4 bytes   CRC-32C, big endian, of the ID and all bytes before it
//
// A uvarint is that of encoding/binary. The checksum covers the ID so that the
// bytes of one record are never taken for those of another.
const (
	recordLayout = 1
	sumSize      = 4
	maxHead      = 1 + 4*binary.MaxVarintLen64
	minRecord    = 1 + 4 + sumSize

	// maxData keeps a record well inside what bbolt and a 32-bit address
	// space can hold.
	maxData = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is a record as it is stored. Its owner and data are parts of the bytes that it
// was decoded from, and live no longer than these.
type record struct {
	version uint64
	expires int64 // milliseconds since 1970, 0 is never
	indexed int64 // the time of its entry in the expiry index, 0 is none
	owner   []byte
	data    []byte
}

// decodeRecord reads the record stored under id. It never panics. When only
// the checksum is wrong it returns what it read beside errSum, which is good
// enough to find index entries by, and for nothing else.
func decodeRecord(id store.ID, b []byte) (record, error) {
	if len(b) < minRecord {
		return record{}, fmt.Errorf("%d bytes are too few", len(b))
	}
	body, tail := b[:len(b)-sumSize], b[len(b)-sumSize:]
	r, err := decodeBody(body)
	if err != nil {
		return record{}, err
	}
	if checksRecords && binary.BigEndian.Uint32(tail) != checksum(id, body) {
		return r, errSum
	}
	return r, nil
}

var errSum = errors.New("checksum mismatch")

func decodeBody(b []byte) (record, error) {
	if b[0] != recordLayout {
		return record{}, fmt.Errorf("unknown record layout %d", b[0])
	}
	b = b[1:]
	var fields [4]uint64
	for i := range fields {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return record{}, errors.New("the header is cut short")
		}
		fields[i], b = v, b[n:]
	}
	version, expires, lag, owner := fields[0], fields[1], fields[2], fields[3]
	switch {
	case version == 0:
		return record{}, errors.New("version 0")
	case expires > maxMillis || lag > expires || (lag == expires && lag != 0):
		return record{}, errors.New("impossible expiry")
	case owner > store.MaxOwner || owner > uint64(len(b)):
		return record{}, errors.New("the owner is too long")
	}
	return record{
		version: version,
		expires: int64(expires),
		indexed: int64(expires - lag),
		owner:   b[:owner],
		data:    b[owner:],
	}, nil
}

func checksum(id store.ID, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, body)
}

// draft is a record on its way into the file. It holds its own copy of owner
// and data, and room before and after them, so that the header can be written
// once the expiry index has been consulted.
type draft struct {
	buf   []byte // room for the ID and the header, owner, data, room for the sum
	owner int    // the length of the owner
}

// draftHead is the room before the owner. The ID goes in front of the header, so
// that the checksum is over one piece of memory.
const draftHead = idSize + maxHead

func newDraft[T string | []byte](owner T, data []byte) draft {
	buf := make([]byte, draftHead, draftHead+len(owner)+len(data)+sumSize)
	buf = append(buf, owner...)
	buf = append(buf, data...)
	return draft{buf: buf[:cap(buf)], owner: len(owner)}
}

func (d draft) ownerBytes() []byte { return d.buf[draftHead : draftHead+d.owner] }
func (d draft) dataBytes() []byte  { return d.buf[draftHead+d.owner : len(d.buf)-sumSize] }

// seal writes the header and the sum, and returns the record's bytes, which
// are part of the draft. indexed must be 0 if expires is, and else more than 0 and
// not later than expires.
func (d draft) seal(id store.ID, version uint64, expires, indexed int64) []byte {
	var head [maxHead]byte
	h := append(head[:0], recordLayout)
	h = binary.AppendUvarint(h, version)
	h = binary.AppendUvarint(h, uint64(expires))
	h = binary.AppendUvarint(h, uint64(expires-indexed))
	h = binary.AppendUvarint(h, uint64(d.owner))
	b := d.buf[draftHead-len(h)-idSize:]
	copy(b, id[:])
	copy(b[idSize:], h)
	end := len(b) - sumSize
	binary.BigEndian.PutUint32(b[end:], crc32.Checksum(b[:end], castagnoli))
	return b[idSize:]
}

// maxMillis is the latest time that is told apart from later ones: the year
// 292,278,994.
const maxMillis = 1<<63 - 1

// millis rounds t down to milliseconds since 1970. Zero is kept for "never":
// what lies before 1970 is 1, which has expired as well.
func millis(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Unix() >= maxMillis/1000:
		return maxMillis
	}
	return max(t.UnixMilli(), 1)
}

// moment is the inverse of millis.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// expired reports whether a record that expires at ms has done so at now.
func expired(ms, now int64) bool { return ms != 0 && now >= ms }
