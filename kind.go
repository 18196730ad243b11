package gimlet

import (
	"encoding/binary"
	"reflect"
	"time"
)

// A kind is one byte of a descriptor, which says in front of every stored
// value of which Go type it is. A kind for which no other follows ends the
// descriptor. The numbers are on disk and in cookies: none may ever change.
type kind byte

const (
	kindNil kind = 1 + iota // no body follows
	kindBool
	kindString
	kindBytes
	kindInt
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64
	kindTime
	kindDuration
	kindEmpty   // struct{}
	kindAny     // an element whose own descriptor stands before it
	kindGeneric // a struct, or what its marshal methods make of it
	kindSlice   // then the kind of the elements
	kindArray   // then the length as a uvarint, and the kind of the elements
	kindMap     // then the kind of the keys, and that of the elements
	kindPointer // inside the others only, then the kind of what it points to
)

// leafTypes are the Go types of the kinds for which no other follows.
var leafTypes = [...]reflect.Type{
	kindNil:      reflect.TypeFor[any](),
	kindBool:     reflect.TypeFor[bool](),
	kindString:   reflect.TypeFor[string](),
	kindBytes:    reflect.TypeFor[[]byte](),
	kindInt:      reflect.TypeFor[int](),
	kindInt8:     reflect.TypeFor[int8](),
	kindInt16:    reflect.TypeFor[int16](),
	kindInt32:    reflect.TypeFor[int32](),
	kindInt64:    reflect.TypeFor[int64](),
	kindUint:     reflect.TypeFor[uint](),
	kindUint8:    reflect.TypeFor[uint8](),
	kindUint16:   reflect.TypeFor[uint16](),
	kindUint32:   reflect.TypeFor[uint32](),
	kindUint64:   reflect.TypeFor[uint64](),
	kindFloat32:  reflect.TypeFor[float32](),
	kindFloat64:  reflect.TypeFor[float64](),
	kindTime:     reflect.TypeFor[time.Time](),
	kindDuration: reflect.TypeFor[time.Duration](),
	kindEmpty:    reflect.TypeFor[struct{}](),
	kindAny:      reflect.TypeFor[any](),
	kindGeneric:  reflect.TypeFor[any](),
}

// basicKinds are the kinds of types that have no methods to mind.
var basicKinds = [...]kind{
	reflect.Bool:          kindBool,
	reflect.String:        kindString,
	reflect.Int:           kindInt,
	reflect.Int8:          kindInt8,
	reflect.Int16:         kindInt16,
	reflect.Int32:         kindInt32,
	reflect.Int64:         kindInt64,
	reflect.Uint:          kindUint,
	reflect.Uint8:         kindUint8,
	reflect.Uint16:        kindUint16,
	reflect.Uint32:        kindUint32,
	reflect.Uint64:        kindUint64,
	reflect.Float32:       kindFloat32,
	reflect.Float64:       kindFloat64,
	reflect.UnsafePointer: 0, // the last reflect.Kind
}

// isLeaf reports whether the kind ends a descriptor.
func (k kind) isLeaf() bool { return kindNil <= k && k <= kindGeneric }

// isKey reports whether keys of maps may be of the kind. Maps with other keys
// are generic.
func (k kind) isKey() bool {
	return k.isLeaf() && k != kindNil && k != kindBytes && k != kindEmpty && k != kindGeneric
}

// maxDepth is how many types or values may be nested in each other.
const maxDepth = 32

// descriptorLen returns the length of the descriptor that enc begins with, or
// 0 if it does not begin with one.
func descriptorLen(enc []byte) int {
	n := 0
	for range maxDepth {
		if n >= len(enc) {
			return 0
		}
		k := kind(enc[n])
		n++
		switch {
		case k == kindNil:
			if n > 1 || len(enc) > 1 {
				return 0
			}
			return n
		case k.isLeaf():
			return n
		case k == kindPointer && n == 1:
			return 0 // only inside others
		case k == kindSlice || k == kindPointer:
		case k == kindArray:
			_, size := binary.Uvarint(enc[n:])
			if size <= 0 {
				return 0
			}
			n += size
		case k == kindMap:
			if n >= len(enc) || !kind(enc[n]).isKey() {
				return 0
			}
			n++
		default:
			return 0
		}
	}
	return 0
}

// typeName returns the Go type that a descriptor stands for, for people to
// read.
func typeName(descriptor []byte) string {
	switch k := kind(descriptor[0]); k {
	case kindNil:
		return "nil"
	case kindAny:
		return "any"
	case kindGeneric:
		return "struct"
	case kindSlice:
		return "[]" + typeName(descriptor[1:])
	case kindPointer:
		return "*" + typeName(descriptor[1:])
	case kindArray:
		_, size := binary.Uvarint(descriptor[1:])
		return "array of " + typeName(descriptor[1+size:])
	case kindMap:
		return "map[" + typeName(descriptor[1:2]) + "]" + typeName(descriptor[2:])
	default:
		return leafTypes[k].String()
	}
}

// storedType returns the name of the Go type that enc says it is of.
func storedType(enc []byte) string {
	if n := descriptorLen(enc); n > 0 {
		return typeName(enc[:n])
	}
	return "unknown"
}
