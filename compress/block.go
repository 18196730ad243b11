package compress

import "encoding/binary"

// The encoder of package s2 is made for long data. Where it is quick it sees
// no match of less than six bytes, and where it is thorough it copies tables of
// a quarter of a megabyte first. Session data is short and consists of short
// words: what encode makes of it is smaller than with either, for a quarter of
// the work of the latter. The form is that of s2, and its decoder reads it.

// The kinds of elements of a block: the two lowest bits of the first byte. For
// literal bytes they are 0.
const (
	tagNear = 1 // a copy of 4 to 11 bytes from less than 2048 before, or from as far as the last copy
	tagFar  = 2 // a copy of up to 64 bytes from less than 65536 before
)

const (
	nearOffset = 1 << 11
	nearLength = 12
	farLength  = 64

	// skipBits makes encode look at fewer places the longer it has found
	// nothing: at every second one after 64 bytes.
	skipBits = 6
)

// encode appends src to dst as an s2 block with the content of x as its
// dictionary. It gives up and reports false when more than most bytes of dst
// are needed. src has at most 65535 bytes.
func (x *index) encode(dst, src []byte, most int) ([]byte, bool) {
	var met recent
	dst = binary.AppendUvarint(dst, uint64(len(src)))
	done, repeat := 0, 0
	for at := 0; at+minMatch <= len(src); {
		m := x.find(&met, src, at, repeat)
		met.add(src, at)
		if m.gain <= 0 {
			at += 1 + (at-done)>>skipBits
			continue
		}
		end := at + m.length
		for next := at + 2; next < end && next+minMatch <= len(src); next += 2 {
			met.add(src, next)
		}
		at = x.extend(&m, src, at, done)
		if len(dst)+at-done > most {
			return dst, false
		}
		dst = appendLiteral(dst, src[done:at])
		dst = appendCopy(dst, m, m.offset == repeat)
		at, done, repeat = end, end, m.offset
	}
	if len(dst)+len(src)-done > most {
		return dst, false
	}
	dst = appendLiteral(dst, src[done:])
	return dst, len(dst) <= most
}

func appendLiteral(dst, b []byte) []byte {
	switch n := len(b) - 1; {
	case n < 0:
		return dst
	case n < 60:
		dst = append(dst, byte(n)<<2)
	case n < 1<<8:
		dst = append(dst, 60<<2, byte(n))
	default:
		dst = append(dst, 61<<2, byte(n), byte(n>>8))
	}
	return append(dst, b...)
}

// appendCopy appends a match. repeated says that its offset is that of the
// copy before.
func appendCopy(dst []byte, m match, repeated bool) []byte {
	offset, length := m.offset, m.length
	switch {
	case repeated:
		return appendRepeat(dst, offset, length)
	case length > farLength:
		const most = farLength - minMatch // what is left is long enough for a repeat
		dst = append(dst, (most-1)<<2|tagFar, byte(offset), byte(offset>>8))
		return appendRepeat(dst, offset, length-most)
	case length >= nearLength || offset >= nearOffset:
		return append(dst, byte(length-1)<<2|tagFar, byte(offset), byte(offset>>8))
	}
	return appendNear(dst, offset, length)
}

func appendNear(dst []byte, offset, length int) []byte {
	return append(dst, byte(offset>>8)<<5|byte(length-minMatch)<<2|tagNear, byte(offset))
}

// appendRepeat appends a copy with the offset of the one before, which is
// written as one from 0 before. Lengths of 4 to 8 stand in its first byte; 5
// there stands for one more byte of length, 6 for two.
func appendRepeat(dst []byte, offset, length int) []byte {
	switch {
	case length <= 8:
		return append(dst, byte(length-minMatch)<<2|tagNear, 0)
	case length < nearLength && offset < nearOffset:
		return appendNear(dst, offset, length)
	case length < 8+1<<8:
		return append(dst, 5<<2|tagNear, 0, byte(length-8))
	}
	length -= minMatch + 1<<8
	return append(dst, 6<<2|tagNear, 0, byte(length), byte(length>>8))
}

// copySize returns how many bytes a copy takes.
func copySize(offset, length int) int {
	switch {
	case length < nearLength && offset < nearOffset:
		return 2
	case length <= farLength:
		return 3
	}
	return 3 + repeatSize(offset, length-farLength+minMatch)
}

// repeatSize returns how many bytes a copy takes that repeats an offset.
func repeatSize(offset, length int) int {
	switch {
	case length <= 8 || length < nearLength && offset < nearOffset:
		return 2
	case length < 8+1<<8:
		return 3
	}
	return 4
}
