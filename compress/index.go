package compress

import (
	"encoding/binary"
	"math/bits"
)

const (
	indexBits  = 12 // of the hash by which a dictionary is searched
	recentBits = 9  // of the one by which the data itself is

	// maxTries is how many places of a dictionary are compared at each byte.
	// Twice as many make session data smaller by less than a hundredth.
	maxTries = 4

	// minMatch is the least number of bytes that are worth a copy, and what is
	// hashed.
	minMatch = 4
)

// An index finds in the content of a dictionary what begins as some data does.
// It is never written after newIndex, so that compressing has no table to fill
// first: session data is so short that this would be most of the work.
type index struct {
	content []byte
	last    [1 << indexBits]uint16 // by hash, the last place in content, plus 1
	before  []uint16               // by place, the one before with the same hash, plus 1
}

func newIndex(content []byte) *index {
	x := &index{content: content, before: make([]uint16, len(content))}
	for i := 0; i+minMatch <= len(content); i++ {
		h := hash(load32(content, i), indexBits)
		x.before[i] = x.last[h]
		x.last[h] = uint16(i + 1)
	}
	return x
}

// A match says that length bytes are the same as those offset bytes before
// them, where the dictionary lies before the data. It gains that many bytes.
type match struct {
	length, offset, gain int
}

// recent holds where each hash was last met in the data itself, plus 1.
type recent [1 << recentBits]uint16

func (r *recent) add(src []byte, at int) {
	r[hash(load32(src, at), recentBits)] = uint16(at + 1)
}

// find returns the match at a place of src that gains most. repeat is the
// offset of the match before, which is cheap to say again; 0 is none.
func (x *index) find(r *recent, src []byte, at, repeat int) match {
	var best match
	if repeat > 0 {
		if n := x.lengthAt(src, at, repeat); n >= minMatch {
			best = match{n, repeat, n - repeatSize(repeat, n)}
		}
	}
	start := load32(src, at)
	if from := int(r[hash(start, recentBits)]) - 1; from >= 0 && load32(src, from) == start {
		best.improve(common(src[from:], src[at:]), at-from)
	}
	from := int(x.last[hash(start, indexBits)]) - 1
	for try := 0; from >= 0 && try < maxTries; try++ {
		if load32(x.content, from) == start {
			best.improve(common(x.content[from:], src[at:]), len(x.content)-from+at)
		}
		from = int(x.before[from]) - 1
	}
	return best
}

func (m *match) improve(length, offset int) {
	if gain := length - copySize(offset, length); gain > m.gain {
		*m = match{length, offset, gain}
	}
}

// lengthAt returns how many bytes at a place of src are the same as those
// offset bytes before. The offset is that of an earlier match, so it does not
// lead out of the dictionary.
func (x *index) lengthAt(src []byte, at, offset int) int {
	if offset <= at {
		return common(src[at-offset:], src[at:])
	}
	return common(x.content[len(x.content)-(offset-at):], src[at:])
}

// extend makes a match at a place of src begin earlier, where that is possible
// without going back behind done. It returns where the match begins.
func (x *index) extend(m *match, src []byte, at, done int) int {
	earlier, from := src, at-m.offset
	if from < 0 {
		earlier, from = x.content, len(x.content)+from
	}
	for at > done && from > 0 && earlier[from-1] == src[at-1] {
		at--
		from--
		m.length++
	}
	return at
}

// common returns how many bytes a and b have in common at their beginnings.
func common(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for ; n+8 <= most; n += 8 {
		if d := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); d != 0 {
			return n + bits.TrailingZeros64(d)/8
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func load32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

func hash(v uint32, bits int) uint32 { return v * 2654435761 >> (32 - bits) }
