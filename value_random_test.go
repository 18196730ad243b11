package gimlet

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A value of a random type made of the types that are promised comes back as
// it was.
func TestValue_random(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		typ := randomType(rng, 4)
		want := randomValue(rng, typ)
		enc, err := encodeValue(CBOR(), want.Interface())
		require.NoError(t, err, "%d: %s", i, typ)
		got, err := decodeAny(CBOR(), enc)
		require.NoError(t, err, "%d: %s", i, typ)
		require.True(t, reflect.DeepEqual(want.Interface(), got), "%d: want %#v, got %#v", i, want, got)
		typed := reflect.New(typ)
		require.NoError(t, decodeInto(CBOR(), enc, typed.Interface()))
		require.True(t, reflect.DeepEqual(want.Interface(), typed.Elem().Interface()), "%d: %s", i, typ)
	}
}

var randomKeys = []kind{kindBool, kindString, kindInt, kindInt8, kindInt64, kindUint16, kindFloat64, kindDuration, kindTime, kindAny}

func randomType(rng *rand.Rand, depth int) reflect.Type {
	switch n := rng.IntN(10); {
	case depth > 0 && n < 3:
		return reflect.SliceOf(randomType(rng, depth-1))
	case depth > 0 && n < 6:
		return reflect.MapOf(leafTypes[randomKeys[rng.IntN(len(randomKeys))]], randomType(rng, depth-1))
	default:
		return leafTypes[kindBool+kind(rng.IntN(int(kindAny-kindBool)))]
	}
}

func randomValue(rng *rand.Rand, t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == leafTypes[kindTime]:
		v.Set(reflect.ValueOf(time.Unix(rng.Int64N(1<<40), rng.Int64N(1e9)).UTC()))
	case v.CanInt():
		v.SetInt(int64(rng.Uint64()) >> rng.IntN(64) >> (64 - t.Bits()))
	case v.CanUint():
		v.SetUint(rng.Uint64() >> rng.IntN(64) >> (64 - t.Bits()))
	case v.CanFloat():
		v.SetFloat(float64(float32(rng.NormFloat64())))
	case t.Kind() == reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case t.Kind() == reflect.String:
		v.SetString(string(randomBytes(rng, rng.IntN(300))))
	case t.Kind() == reflect.Interface:
		v.Set(randomValue(rng, leafTypes[kindBool+kind(rng.IntN(2))]))
	case t.Kind() == reflect.Slice && rng.IntN(8) > 0:
		v.Set(reflect.MakeSlice(t, 0, 3))
		for range rng.IntN(4) {
			v.Set(reflect.Append(v, randomValue(rng, t.Elem())))
		}
	case t.Kind() == reflect.Map && rng.IntN(8) > 0:
		v.Set(reflect.MakeMap(t))
		for range rng.IntN(4) {
			v.SetMapIndex(randomValue(rng, t.Key()), randomValue(rng, t.Elem()))
		}
	}
	return v
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
