package gimlet

import (
	"bytes"
	"fmt"
	"reflect"
)

// The stored form of a value is a descriptor, which says of which Go type it
// is, and what the codec makes of it. See docs/format.md, "Values".

// encodeValue returns the stored form of v, and keeps nothing of v. Its error
// is a *ValueError without a key.
//
// What is stored is what v points to, if v is a pointer; a nil pointer is
// stored as nil.
func encodeValue(c Codec, v any) ([]byte, error) {
	e := encoder{codec: c, survey: survey{codec: c}}
	enc, err := e.encode(v)
	if err != nil {
		return nil, &ValueError{Type: fmt.Sprintf("%T", v), Err: err}
	}
	return enc, nil
}

// An encoder encodes one value, with all that is in it.
type encoder struct {
	codec  Codec
	survey survey
	depth  int // of anys in each other
}

func (e *encoder) encode(v any) ([]byte, error) {
	if _, ok := e.codec.(cborCodec); ok || v == nil {
		if enc, ok := encodeScalar(v); ok {
			return enc, nil
		}
	}
	if e.depth++; e.depth > maxDepth {
		return nil, errDeep
	}
	defer func() { e.depth-- }()
	if e.survey.parts++; e.survey.parts > maxParts {
		return nil, errLarge
	}
	rv, err := pointedTo(reflect.ValueOf(v))
	if err != nil {
		return nil, err
	}
	if !rv.IsValid() {
		return []byte{byte(kindNil)}, nil
	}
	s, err := shapeOf(rv.Type())
	if err != nil {
		return nil, err
	}
	switch {
	case s.kind == kindAny: // v is a *any
		return e.encode(rv.Interface())
	case s.generic:
		return e.encodeGeneric(s, rv)
	case s.plain():
		return marshalAfter(e.codec, s.descriptor, rv.Interface())
	default:
		return e.encodeConverted(s, rv)
	}
}

// pointedTo follows pointers, at the end of which v.IsValid is false if there
// is a nil.
func pointedTo(v reflect.Value) (reflect.Value, error) {
	for range maxDepth {
		if v.Kind() != reflect.Pointer {
			return v, nil
		}
		v = v.Elem()
	}
	return v, errDeep
}

func (e *encoder) encodeConverted(s *shape, v reflect.Value) ([]byte, error) {
	w, err := e.convert(s, v)
	if err != nil {
		return nil, err
	}
	return marshalAfter(e.codec, s.descriptor, w.Interface())
}

// encodeGeneric encodes a value that contains structs, or types with marshal
// methods. It decodes the result to be sure that it will come back: this
// depends on the fields and methods of types that only the codec knows.
func (e *encoder) encodeGeneric(s *shape, v reflect.Value) ([]byte, error) {
	if err := e.survey.visit(v, 0); err != nil {
		return nil, err
	}
	if !v.CanAddr() {
		// Through a pointer the codec finds methods with pointer receivers.
		p := reflect.New(v.Type()).Elem()
		p.Set(v)
		v = p
	}
	var enc []byte
	var err error
	if s.plain() {
		enc, err = marshalAfter(e.codec, s.descriptor, v.Addr().Interface())
	} else {
		enc, err = e.encodeConverted(s, v)
	}
	if err != nil {
		return nil, err
	}
	d := decoder{codec: e.codec}
	if err := d.decodeBody(s, enc[len(s.descriptor):], reflect.New(v.Type()).Elem()); err != nil {
		return nil, fmt.Errorf("it could not be decoded again: %w", err)
	}
	return enc, nil
}

// decodeAny returns a new value of the Go type that was encoded. Structs come
// back in their general form, arrays as slices. Its error is a *ValueError
// without a key.
func decodeAny(c Codec, enc []byte) (any, error) {
	d := decoder{codec: c}
	v, err := d.decode(enc)
	if err != nil {
		return nil, &ValueError{Stored: storedType(enc), Err: err}
	}
	return v, nil
}

// A decoder decodes one value, with all that is in it.
type decoder struct {
	codec Codec
	depth int // of anys in each other
}

func (d *decoder) decode(enc []byte) (any, error) {
	if _, ok := d.codec.(cborCodec); ok {
		if v, ok := decodeAnyScalar(enc); ok {
			return v, nil
		}
	}
	n := descriptorLen(enc)
	if n == 0 {
		return nil, errDamaged
	}
	if kind(enc[0]) == kindNil {
		return nil, nil
	}
	if d.depth++; d.depth > maxDepth {
		return nil, errDeep
	}
	defer func() { d.depth-- }()
	s := shapeFor(enc[:n])
	v := reflect.New(s.typ).Elem()
	if err := d.decodeBody(s, enc[n:], v); err != nil {
		return nil, err
	}
	if s.generic {
		settle(v)
	}
	return v.Interface(), nil
}

// decodeBody decodes what follows the descriptor into dst, which is zero and
// addressable.
func (d *decoder) decodeBody(s *shape, body []byte, dst reflect.Value) error {
	if s.plain() {
		return d.codec.Unmarshal(body, dst.Addr().Interface())
	}
	w := reflect.New(s.wire)
	if err := d.codec.Unmarshal(body, w.Interface()); err != nil {
		return err
	}
	return d.restore(s, w.Elem(), dst)
}

// decodeInto decodes into dst, a pointer to a T, if a T was encoded. It leaves
// the zero T behind if that fails. Its error is a *ValueError without a key.
//
// Which types are the same is decided by what was stored: a named type is its
// underlying type, a pointer is what it points to, and one struct is as good
// as another, so that types can be renamed and can grow.
func decodeInto(c Codec, enc []byte, dst any) error {
	if _, ok := c.(cborCodec); ok && decodeScalar(enc, dst) {
		return nil
	}
	v := reflect.ValueOf(dst).Elem()
	v.SetZero()
	if err := decodeIntoValue(c, enc, v); err != nil {
		v.SetZero()
		return err
	}
	return nil
}

func decodeIntoValue(c Codec, enc []byte, v reflect.Value) error {
	fail := func(err error) error {
		return &ValueError{Type: v.Type().String(), Stored: storedType(enc), Err: err}
	}
	if descriptorLen(enc) == 0 {
		return fail(errDamaged)
	}
	t, err := baseType(v.Type())
	if err != nil {
		return fail(err)
	}
	s, err := shapeOf(t)
	if err != nil {
		return fail(err)
	}
	switch k := kind(enc[0]); {
	case k == kindNil && isNilable(v.Kind()):
		return nil
	case k == kindNil || s.kind != kindAny && !bytes.HasPrefix(enc, s.descriptor):
		return fail(nil)
	}
	target := v
	for target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	d := decoder{codec: c}
	if s.kind == kindAny {
		err = d.setFrom(s, enc, target)
	} else {
		err = d.decodeBody(s, enc[len(s.descriptor):], target)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// baseType is what t points to, at the end.
func baseType(t reflect.Type) (reflect.Type, error) {
	for range maxDepth {
		if t.Kind() != reflect.Pointer {
			return t, nil
		}
		t = t.Elem()
	}
	return nil, unsupported(t)
}

func isNilable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Interface || k == reflect.Map || k == reflect.Slice
}
