package fuzz_test

import (
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// same reports whether two values are equal, with the same types everywhere. A
// NaN is the same as any other; times are the same if they show the same.
func same(a, b any) bool { return sameValue(reflect.ValueOf(a), reflect.ValueOf(b)) }

func sameValue(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid() && !a.IsValid()
	}
	if a.Type() == reflect.TypeFor[time.Time]() {
		at, bt := a.Interface().(time.Time), b.Interface().(time.Time)
		_, ao := at.Zone()
		_, bo := bt.Zone()
		return at.Equal(bt) && ao == bo
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return sameValue(a.Elem(), b.Elem())
	case reflect.Slice:
		return a.IsNil() == b.IsNil() && sameElements(a, b)
	case reflect.Array:
		return sameElements(a, b)
	case reflect.Map:
		return a.IsNil() == b.IsNil() && sameMap(a, b)
	case reflect.Struct:
		if fields := reflect.VisibleFields(a.Type()); !slices.ContainsFunc(fields, isHidden) {
			return sameFields(a, b)
		}
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

func sameElements(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !sameValue(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func isHidden(f reflect.StructField) bool { return !f.IsExported() }

func sameFields(a, b reflect.Value) bool {
	for i := range a.NumField() {
		if !sameValue(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}

func sameMap(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for pairs := a.MapRange(); pairs.Next(); {
		if other := b.MapIndex(pairs.Key()); other.IsValid() {
			if !sameValue(pairs.Value(), other) {
				return false
			}
		} else if !hasPair(b, pairs.Key(), pairs.Value()) {
			return false
		}
	}
	return true
}

// hasPair is for keys that are not equal to themselves, or only to the eye.
func hasPair(m, key, value reflect.Value) bool {
	for pairs := m.MapRange(); pairs.Next(); {
		if sameValue(pairs.Key(), key) && sameValue(pairs.Value(), value) {
			return true
		}
	}
	return false
}

func TestSame(t *testing.T) {
	now, nan := time.Now(), math.NaN()
	here := now.In(time.FixedZone("here", 3600))
	for _, pair := range [][2]any{
		{nil, nil},
		{1, 1},
		{nan, math.Float64frombits(math.Float64bits(nan) ^ 1)},
		{now, now.Round(0)},
		{here, here.In(time.FixedZone("", 3600))},
		{[]any{nan, nil}, []any{nan, nil}},
		{struct{ A any }{nan}, struct{ A any }{nan}},
		{big.NewInt(7), big.NewInt(7)},
		{map[any]any{nan: 1, here: 2}, map[any]any{nan: 1, here.In(time.FixedZone("", 3600)): 2}},
	} {
		require.True(t, same(pair[0], pair[1]), "%v", pair)
	}
	for _, pair := range [][2]any{
		{nil, 0},
		{1, int64(1)},
		{0.0, math.Copysign(0, -1)},
		{now, now.Add(1)},
		{now.UTC(), here},
		{[]any{1}, []any{int64(1)}},
		{[]any(nil), []any{}},
		{[]byte(nil), []byte{}},
		{map[string]any(nil), map[string]any{}},
		{map[any]any{nan: 1}, map[any]any{nan: 2}},
		{map[any]any{nan: 1}, map[any]any{nan: 1, 1: 1}},
		{map[any]any{here: 1}, map[any]any{nan: 1}},
		{[]any{here}, []any{1.5}},
		{struct{ A any }{nan}, struct{ A any }{1}},
		{big.NewInt(7), big.NewInt(8)},
	} {
		require.False(t, same(pair[0], pair[1]), "%v", pair)
		require.False(t, same(pair[1], pair[0]), "%v", pair)
	}
}
