package gimlet

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// A Codec turns values into bytes and back. The default is [CBOR]; another
// one is chosen with [WithCodec].
//
// The types of values are not the codec's affair: gimlet writes down what an
// int or a []time.Time was before the codec sees it, and asks for the same
// type when it reads. Structs, and types with marshal methods, it hands to the
// codec whole. Times, and elements of type any, in anything but a struct it
// hands over as []byte, or as string where they are keys of a map.
//
// A codec is used by several goroutines at once.
type Codec interface {
	// Marshal encodes v, which may be a pointer to the value that is meant.
	// It must be deterministic, since setting an equal value is no change:
	// equal values give equal bytes, maps included. It does not keep v. It
	// returns an error for what it could not give back unchanged;
	// encoding/json, for one, replaces bytes that are not UTF-8.
	Marshal(v any) ([]byte, error)

	// Unmarshal decodes data into v, a pointer to a zero value. The data may
	// be damaged or hostile: Unmarshal must not panic, must bound how deep it
	// follows nested data, and must not allocate out of proportion to
	// len(data). It keeps no reference to data.
	Unmarshal(data []byte, v any) error
}

// CBOR returns the default codec: deterministic CBOR (RFC 8949, section
// 4.2.1), which is compact and needs nothing registered.
//
// Struct fields are named by their cbor tag, their json tag or their name.
// Types that implement encoding.BinaryMarshaler or encoding.TextMarshaler are
// stored as these say, the binary form first. Numbers, maps and other values
// in a field of type any come back in their general form: int64, float64,
// []any, map[string]any.
func CBOR() Codec { return cborCodec{} }

// maxElements is the greatest number of elements of an array, or pairs of a
// map, in CBOR that is read or written.
const maxElements = 1 << 20

type cborCodec struct{}

func (c cborCodec) Marshal(v any) ([]byte, error) {
	return c.marshalAfter(nil, v)
}

// marshalAfter returns prefix and the encoded v in one new slice.
func (cborCodec) marshalAfter(prefix []byte, v any) ([]byte, error) {
	buf := cborBuffers.Get().(*bytes.Buffer)
	defer recycle(buf)
	buf.Write(prefix)
	if err := cborEncoding.MarshalToBuffer(v, buf); err != nil {
		return nil, err
	}
	enc := bytes.Clone(buf.Bytes())
	if len(enc)-len(prefix) > maxElements {
		// Only now can an array be longer than Unmarshal would accept.
		if err := cborDecoding.Wellformed(enc[len(prefix):]); err != nil {
			return nil, err
		}
	}
	return enc, nil
}

func (cborCodec) Unmarshal(data []byte, v any) error {
	err := cborDecoding.Unmarshal(data, v)
	var mismatch *cbor.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		// A map in an any may have keys that are not strings. It is tried
		// last, because map[string]any is what everyone expects.
		reflect.ValueOf(v).Elem().SetZero()
		return cborDecodingAnyKey.Unmarshal(data, v)
	}
	return err
}

var cborBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// recycle keeps the buffer for the next value, unless one huge value would
// hold on to its memory for ever.
func recycle(buf *bytes.Buffer) {
	if buf.Cap() <= 64<<10 {
		buf.Reset()
		cborBuffers.Put(buf)
	}
}

var (
	cborEncoding       = newCBOREncoding()
	cborDecoding       = newCBORDecoding(reflect.TypeFor[map[string]any]())
	cborDecodingAnyKey = newCBORDecoding(reflect.TypeFor[map[any]any]())
)

func newCBOREncoding() cbor.UserBufferEncMode {
	mode, err := cbor.EncOptions{
		Sort:            cbor.SortCoreDeterministic,
		ShortestFloat:   cbor.ShortestFloat16,
		IndefLength:     cbor.IndefLengthForbidden,
		Time:            cbor.TimeRFC3339Nano,
		TimeTag:         cbor.EncTagRequired, // so that it is a time in an any, too
		BinaryMarshaler: cbor.BinaryMarshalerByteString,
		TextMarshaler:   cbor.TextMarshalerTextString,
	}.UserBufferEncMode()
	if err != nil {
		panic(err)
	}
	return mode
}

func newCBORDecoding(mapType reflect.Type) cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:          cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:    maxDepth,
		MaxArrayElements:   maxElements,
		MaxMapPairs:        maxElements,
		IndefLength:        cbor.IndefLengthForbidden,
		IntDec:             cbor.IntDecConvertSignedOrBigInt,
		BigIntDec:          cbor.BigIntDecodePointer,
		DefaultMapType:     mapType,
		UTF8:               cbor.UTF8DecodeInvalid, // Go strings may hold any bytes
		FieldNameMatching:  cbor.FieldNameMatchingCaseSensitive,
		ByteStringToString: cbor.ByteStringToStringAllowed, // keys of binary form in a map[string]any
		BinaryUnmarshaler:  cbor.BinaryUnmarshalerByteString,
		TextUnmarshaler:    cbor.TextUnmarshalerTextString,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}

// marshalAfter returns prefix and v as c encodes it in one new slice.
func marshalAfter(c Codec, prefix []byte, v any) ([]byte, error) {
	if c, ok := c.(cborCodec); ok {
		return c.marshalAfter(prefix, v)
	}
	body, err := c.Marshal(v)
	if err != nil {
		return nil, err
	}
	return slices.Concat(prefix, body), nil
}
