package gimlet

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

// jsonCodec is what a program might hand to WithCodec.
type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// wrappedCBOR hides the default codec, so that everything goes the long way.
type wrappedCBOR struct{ Codec }

var testCodecs = []Codec{CBOR(), wrappedCBOR{CBOR()}, jsonCodec{}}

func TestCBOR_longestArray(t *testing.T) {
	longest := make([]bool, maxElements)
	var got []bool
	enc, err := CBOR().Marshal(longest)
	require.NoError(t, err)
	require.NoError(t, CBOR().Unmarshal(enc, &got))
	require.Len(t, got, maxElements)

	_, err = CBOR().Marshal(append(longest, true))
	var tooMany *cbor.MaxArrayElementsError
	require.ErrorAs(t, err, &tooMany, "what could not be read is not written")

	text := strings.Repeat("x", 2*maxElements)
	_, err = CBOR().Marshal(text)
	require.NoError(t, err, "the limit is on elements, not on bytes")
}

func TestCBOR_refuses(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":           {},
		"indefinite length": {0x9f, 0x01, 0xff},
		"repeated key":      {0xa2, 0x61, 'a', 1, 0x61, 'a', 2},
		"trailing bytes":    {0x01, 0x01},
		"cut short":         {0x82, 0x01},
		"lying length":      {0x9a, 0xff, 0xff, 0xff, 0xff},
		"too deep":          append(bytes.Repeat([]byte{0x81}, maxDepth+1), 0),
	} {
		var v any
		require.Error(t, CBOR().Unmarshal(data, &v), name)
	}
}

// Fields of type any come back in their general form, whatever the keys of
// their maps are.
func TestCBOR_generalForm(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{map[string]int{"a": 1}, map[string]any{"a": int64(1)}},
		{map[int]string{1: "x"}, map[any]any{int64(1): "x"}},
		{[]float32{1.5}, []any{1.5}},
		{map[[1]byte]bool{{'k'}: true}, map[string]any{"k": true}},
	} {
		enc, err := CBOR().Marshal(c.in)
		require.NoError(t, err)
		var got any
		require.NoError(t, CBOR().Unmarshal(enc, &got))
		require.Equal(t, c.want, got)
	}
}

func TestCBOR_largeBuffersAreNotKept(t *testing.T) {
	large := bytes.NewBuffer(make([]byte, 0, 1<<20))
	recycle(large)
	for range 100 {
		buf := cborBuffers.Get().(*bytes.Buffer)
		require.NotSame(t, large, buf)
	}
}
