package gimlet

import (
	"math/big"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// The general form of a struct, or of what marshal methods made of a value,
// is what it is read as when nobody says which type it should have:
// map[string]any, []any, string, []byte, bool, int64, float64, time.Time.

// settle gives the general forms in v the types that people expect, where the
// codec had no choice.
func settle(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(reflect.ValueOf(settled(v.Interface())))
		}
	case reflect.Slice:
		for i := range v.Len() {
			settle(v.Index(i))
		}
	case reflect.Map:
		if v.Len() > 0 {
			v.Set(settledPairs(v))
		}
	}
}

// settledPairs returns a new map: in v itself a key that is a NaN, which
// equals no key, would be added over and over.
func settledPairs(v reflect.Value) reflect.Value {
	m := reflect.MakeMapWithSize(v.Type(), v.Len())
	for pairs := v.MapRange(); pairs.Next(); {
		elem := reflect.New(v.Type().Elem()).Elem()
		elem.Set(pairs.Value())
		settle(elem)
		m.SetMapIndex(pairs.Key(), elem)
	}
	return m
}

func settled(v any) any {
	switch v := v.(type) {
	case *big.Int:
		if v.IsUint64() {
			return v.Uint64()
		}
	case []any:
		for i := range v {
			v[i] = settled(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = settled(v[key])
		}
	case map[any]any:
		return settledMap(v)
	}
	return v
}

// settledMap returns m as a map with strings as keys, if they all are.
func settledMap(m map[any]any) any {
	all, named := make(map[any]any, len(m)), make(map[string]any, len(m))
	for key, elem := range m {
		elem = settled(elem)
		all[key] = elem
		switch key := key.(type) {
		case string:
			named[key] = elem
		case cbor.ByteString:
			named[string(key)] = elem
		}
	}
	if len(named) == len(m) {
		return named
	}
	return all
}
