package gimlet

import (
	stdencoding "encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// A shape is how values of a Go type are stored.
type shape struct {
	kind       kind
	typ        reflect.Type // of the values
	wire       reflect.Type // of what the codec is given; typ if it needs no converting
	key, elem  *shape
	descriptor []byte
	generic    bool // itself or something in it
}

// plain reports whether values go to the codec as they are.
func (s *shape) plain() bool { return s.typ == s.wire }

var bytesType = leafTypes[kindBytes]

func leafShape(k kind, t reflect.Type) *shape {
	s := &shape{kind: k, typ: t, wire: t, descriptor: []byte{byte(k)}, generic: k == kindGeneric}
	if k == kindTime || k == kindAny {
		s.wire = bytesType
	}
	return s
}

// listShape is the shape of a slice, array or pointer type t. What stands
// between the kind and the element in the descriptor is given by params.
func listShape(k kind, t reflect.Type, elem *shape, params ...byte) *shape {
	s := &shape{kind: k, typ: t, wire: t, elem: elem, generic: elem.generic}
	s.descriptor = append(append([]byte{byte(k)}, params...), elem.descriptor...)
	switch {
	case elem.plain():
	case k == kindPointer:
		s.wire = reflect.PointerTo(elem.wire)
	default:
		s.wire = reflect.SliceOf(elem.wire)
	}
	return s
}

func mapShape(t reflect.Type, key, elem *shape) *shape {
	s := &shape{kind: kindMap, typ: t, wire: t, key: key, elem: elem, generic: elem.generic}
	s.descriptor = append([]byte{byte(kindMap), byte(key.kind)}, elem.descriptor...)
	if !key.plain() || !elem.plain() {
		keyWire := key.wire
		if !key.plain() {
			keyWire = leafTypes[kindString]
		}
		s.wire = reflect.MapOf(keyWire, elem.wire)
	}
	return s
}

// shapeOf returns the shape of the values of a type of the program.
func shapeOf(t reflect.Type) (*shape, error) {
	if found, ok := shapesByType.Load(t); ok {
		return found.(*shape), nil
	}
	s, err := newShape(t, 0)
	if err != nil {
		return nil, err
	}
	if descriptorLen(s.descriptor) == 0 {
		s = leafShape(kindGeneric, t) // it is too deep, because it contains itself
	}
	shapesByType.Store(t, s)
	return s, nil
}

var shapesByType sync.Map // of reflect.Type to *shape

// newShape makes the shape of t, which stands depth levels deep in a type.
func newShape(t reflect.Type, depth int) (*shape, error) {
	generic := leafShape(kindGeneric, t)
	switch {
	case t == leafTypes[kindTime]:
		return leafShape(kindTime, t), nil
	case t == leafTypes[kindDuration]:
		return leafShape(kindDuration, t), nil
	case depth > maxDepth || implementsAny(t, marshalMethods):
		return generic, nil
	case basicKinds[t.Kind()] != 0:
		return leafShape(basicKinds[t.Kind()], t), nil
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.NumField() == 0 {
			return leafShape(kindEmpty, t), nil
		}
		return generic, nil
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return leafShape(kindAny, t), nil
		}
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return newListShape(t, depth)
	case reflect.Map:
		return newMapShape(t, depth)
	}
	return nil, unsupported(t)
}

func newListShape(t reflect.Type, depth int) (*shape, error) {
	elem, err := newShape(t.Elem(), depth+1)
	if err != nil {
		return nil, err
	}
	bytes := t.Elem().Kind() == reflect.Uint8
	switch {
	case t.Kind() == reflect.Pointer && elem.kind != kindGeneric:
		return listShape(kindPointer, t, elem), nil
	case t.Kind() == reflect.Pointer, bytes && elem.kind == kindGeneric:
		return leafShape(kindGeneric, t), nil
	case t.Kind() == reflect.Array:
		return listShape(kindArray, t, elem, binary.AppendUvarint(nil, uint64(t.Len()))...), nil
	case bytes:
		return leafShape(kindBytes, t), nil
	default:
		return listShape(kindSlice, t, elem), nil
	}
}

func newMapShape(t reflect.Type, depth int) (*shape, error) {
	if t.Key().Kind() == reflect.Pointer {
		return nil, unsupported(t) // a pointer would not come back as itself
	}
	key, err := newShape(t.Key(), depth+1)
	if err != nil {
		return nil, err
	}
	elem, err := newShape(t.Elem(), depth+1)
	if err != nil {
		return nil, err
	}
	if !key.kind.isKey() {
		return leafShape(kindGeneric, t), nil
	}
	return mapShape(t, key, elem), nil
}

func unsupported(t reflect.Type) error {
	return fmt.Errorf("unsupported type %s", t)
}

// marshalers are the interfaces by which values encode themselves in CBOR,
// marshalMethods those by which they may have a say in any codec.
var (
	marshalers = []reflect.Type{
		reflect.TypeFor[stdencoding.BinaryMarshaler](),
		reflect.TypeFor[stdencoding.TextMarshaler](),
		reflect.TypeFor[cbor.Marshaler](),
	}
	marshalMethods = append([]reflect.Type{
		reflect.TypeFor[stdencoding.BinaryUnmarshaler](),
		reflect.TypeFor[stdencoding.TextUnmarshaler](),
		reflect.TypeFor[cbor.Unmarshaler](),
		reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[json.Unmarshaler](),
	}, marshalers...)
)

// implementsAny reports whether t, or a pointer to it, implements one of the
// interfaces.
func implementsAny(t reflect.Type, interfaces []reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	p := reflect.PointerTo(t)
	return p.NumMethod() > 0 && slices.ContainsFunc(interfaces, p.Implements)
}

// shapeFor returns the shape that a descriptor stands for, with the types
// that untyped reading gives. The descriptor is known to be well formed.
func shapeFor(descriptor []byte) *shape {
	if k := kind(descriptor[0]); k.isLeaf() {
		return leafShapes[k]
	}
	if s := shapesByDescriptor.get(descriptor); s != nil {
		return s
	}
	s := builtShape(descriptor)
	shapesByDescriptor.put(s)
	return s
}

func builtShape(descriptor []byte) *shape {
	rest := descriptor[1:]
	switch k := kind(descriptor[0]); k {
	case kindSlice:
		elem := builtShape(rest)
		return listShape(k, reflect.SliceOf(elem.typ), elem)
	case kindArray:
		// The length may be any number: nothing is made of it.
		_, size := binary.Uvarint(rest)
		elem := builtShape(rest[size:])
		return listShape(k, reflect.SliceOf(elem.typ), elem, rest[:size]...)
	case kindPointer:
		elem := builtShape(rest)
		return listShape(k, reflect.PointerTo(elem.typ), elem)
	case kindMap:
		key, elem := leafShapes[rest[0]], builtShape(rest[1:])
		return mapShape(reflect.MapOf(key.typ, elem.typ), key, elem)
	default:
		return leafShapes[k]
	}
}

var leafShapes = func() (shapes [len(leafTypes)]*shape) {
	for k := kindNil; k.isLeaf(); k++ {
		shapes[k] = leafShape(k, leafTypes[k])
	}
	return shapes
}()

var shapesByDescriptor shapeCache

// A shapeCache is bounded, because what is asked of it comes from storage.
type shapeCache struct {
	mu     sync.RWMutex
	shapes map[string]*shape
}

const maxCachedShapes = 1000

func (c *shapeCache) get(descriptor []byte) *shape {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.shapes[string(descriptor)]
}

func (c *shapeCache) put(s *shape) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shapes == nil {
		c.shapes = make(map[string]*shape)
	}
	if len(c.shapes) < maxCachedShapes {
		c.shapes[string(s.descriptor)] = s
	}
}
