package gimlet

import (
	"encoding/binary"
	"errors"
)

// The byte forms of records and cookies are sequences of bytes, uvarints and
// length-prefixed blocks. See docs/format.md.

var errMalformed = errors.New("malformed")

// A reader takes such a sequence apart. After the first bad field every
// method returns zero values, so a caller checks once, at the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	if r.bad {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// millis reads a time or duration in milliseconds.
func (r *reader) millis() int64 {
	v := r.uvarint()
	if v > maxMillis {
		r.bad = true
		return 0
	}
	return int64(v)
}

// maxMillis is the greatest time that is read, in the year 10889: far enough
// for every clock, and small enough that sums of two do not overflow.
const maxMillis = 1 << 48

func (r *reader) into(dst []byte) {
	copy(dst, r.take(uint64(len(dst))))
}

func (r *reader) block() []byte {
	return r.take(r.uvarint())
}

// end reports an error unless everything was read and well formed.
func (r *reader) end() error {
	if r.bad || len(r.b) != 0 {
		return errMalformed
	}
	return nil
}

func appendMillis(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(max(v, 0)))
}

func appendBlock(dst, block []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(block))), block...)
}
