package gimlet

import (
	"encoding/binary"
	"math"
	"time"
)

// Values of the most common types are written and read here when the codec is
// CBOR, in the very bytes that the codec would make, but without reflection.

// The major types of CBOR, in the place where a data item's first byte has
// them.
const (
	cborUnsigned byte = 0 << 5
	cborNegative byte = 1 << 5
	cborBytes    byte = 2 << 5
	cborText     byte = 3 << 5
	cborFalse    byte = 7<<5 | 20
	cborTrue     byte = 7<<5 | 21
	cborNull     byte = 7<<5 | 22
)

// encodeScalar returns the stored form of v if it is of a common type.
func encodeScalar(v any) (enc []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		return []byte{byte(kindNil)}, true
	case bool:
		if v {
			return []byte{byte(kindBool), cborTrue}, true
		}
		return []byte{byte(kindBool), cborFalse}, true
	case int:
		return encodeInt(kindInt, int64(v)), true
	case int64:
		return encodeInt(kindInt64, v), true
	case time.Duration:
		return encodeInt(kindDuration, int64(v)), true
	case string:
		return append(startBlock(kindString, cborText, len(v)), v...), true
	case []byte:
		if v == nil {
			return []byte{byte(kindBytes), cborNull}, true
		}
		return append(startBlock(kindBytes, cborBytes, len(v)), v...), true
	case time.Time:
		enc, err := v.AppendBinary(append(make([]byte, 0, 2+16), byte(kindTime), 0))
		enc[1] = cborBytes | byte(len(enc)-2)
		return enc, err == nil
	}
	return nil, false
}

func encodeInt(k kind, v int64) []byte {
	major := cborUnsigned
	if v < 0 {
		major, v = cborNegative, ^v
	}
	var enc [10]byte
	enc[0] = byte(k)
	return append([]byte(nil), appendCBORHead(enc[:1], major, uint64(v))...)
}

// startBlock returns the beginning of a stored string of n bytes, with room
// for the rest.
func startBlock(k kind, major byte, n int) []byte {
	enc := append(make([]byte, 0, 6+n), byte(k))
	return appendCBORHead(enc, major, uint64(n))
}

// appendCBORHead appends the first bytes of a CBOR data item: its major type and
// its argument in the shortest form.
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|27), n)
	}
}

// readCBORHead is the inverse of appendCBORHead. The rest is what follows the head;
// ok is false if there is no head of a known length.
func readCBORHead(b []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	major, info := b[0]&0xe0, b[0]&0x1f
	b = b[1:]
	switch {
	case info < 24:
		return major, uint64(info), b, true
	case info == 24 && len(b) >= 1:
		return major, uint64(b[0]), b[1:], true
	case info == 25 && len(b) >= 2:
		return major, uint64(binary.BigEndian.Uint16(b)), b[2:], true
	case info == 26 && len(b) >= 4:
		return major, uint64(binary.BigEndian.Uint32(b)), b[4:], true
	case info == 27 && len(b) >= 8:
		return major, binary.BigEndian.Uint64(b), b[8:], true
	}
	return 0, 0, nil, false
}

// decodeScalar decodes into dst if it points to one of the common types and
// enc is a sound value of that type. Otherwise it leaves dst as it is, and
// the long way finds out what is wrong. It does not let dst escape.
func decodeScalar(enc []byte, dst any) (ok bool) {
	if len(enc) == 0 {
		return false
	}
	k, body := kind(enc[0]), enc[1:]
	switch dst := dst.(type) {
	case *int:
		v, ok := readInt(k == kindInt, body)
		if ok = ok && int64(int(v)) == v; ok {
			*dst = int(v)
		}
		return ok
	case *int64:
		v, ok := readInt(k == kindInt64, body)
		if ok {
			*dst = v
		}
		return ok
	case *string:
		v, ok := readBlock(k == kindString, cborText, body)
		if ok {
			*dst = string(v)
		}
		return ok
	case *bool:
		ok := k == kindBool && len(body) == 1 && body[0]|1 == cborTrue
		if ok {
			*dst = body[0] == cborTrue
		}
		return ok
	case *time.Time:
		b, ok := readBlock(k == kindTime, cborBytes, body)
		if !ok {
			return false
		}
		v, err := readTime(b)
		if err == nil {
			*dst = v
		}
		return err == nil
	}
	return false
}

func readInt(rightKind bool, body []byte) (v int64, ok bool) {
	if !rightKind {
		return 0, false
	}
	major, n, rest, ok := readCBORHead(body)
	if !ok || len(rest) > 0 || n > math.MaxInt64 {
		return 0, false
	}
	switch major {
	case cborUnsigned:
		return int64(n), true
	case cborNegative:
		return ^int64(n), true
	}
	return 0, false
}

func readBlock(rightKind bool, want byte, body []byte) (v []byte, ok bool) {
	if !rightKind {
		return nil, false
	}
	major, n, rest, ok := readCBORHead(body)
	if !ok || major != want || n != uint64(len(rest)) {
		return nil, false
	}
	return rest, true
}

// decodeAnyScalar returns the value of enc if it is a sound value of one of
// the common types.
func decodeAnyScalar(enc []byte) (v any, ok bool) {
	if len(enc) == 0 {
		return nil, false
	}
	switch kind(enc[0]) {
	case kindInt:
		var v int
		ok = decodeScalar(enc, &v)
		return v, ok
	case kindInt64:
		var v int64
		ok = decodeScalar(enc, &v)
		return v, ok
	case kindString:
		var v string
		ok = decodeScalar(enc, &v)
		return v, ok
	case kindBool:
		var v bool
		ok = decodeScalar(enc, &v)
		return v, ok
	case kindTime:
		var v time.Time
		ok = decodeScalar(enc, &v)
		return v, ok
	}
	return nil, false
}
