package fuzz_test

import (
	"math"
	"time"
)

// A builder makes a value of the scalars that it is given; shape says which
// goes where.
type builder struct {
	shape []byte
	text  string
	raw   []byte
	n     int64
	bits  uint64
	on    bool
}

// next returns the next byte of the shape, 0 at its end.
func (b *builder) next() byte {
	if len(b.shape) == 0 {
		return 0
	}
	c := b.shape[0]
	b.shape = b.shape[1:]
	return c
}

// value returns a value with at most depth others in each other.
func (b *builder) value(depth int) any {
	kind := b.next()
	if depth == 0 || kind%2 == 0 {
		return b.scalar(kind / 2)
	}
	return b.container(kind/2, depth)
}

// scalar returns one of a type that kind says. Those of one type differ.
func (b *builder) scalar(kind byte) any {
	vary := b.next()
	n := b.n ^ int64(vary)<<(vary%57)
	switch kind % 20 {
	case 0:
		return b.str(vary)
	case 1:
		return b.bytes(vary)
	case 2:
		return n
	case 3:
		return b.float(vary)
	case 4:
		return b.on
	case 5:
		return nil
	case 6:
		return int(n)
	case 7:
		return int8(n)
	case 8:
		return int16(n)
	case 9:
		return int32(n)
	case 10:
		return uint(n)
	case 11:
		return uint8(n)
	case 12:
		return uint16(n)
	case 13:
		return uint32(n)
	case 14:
		return uint64(n)
	case 15:
		return float32(b.float(vary))
	case 16:
		return time.Duration(n)
	case 17:
		return []byte(nil)
	case 18:
		return struct{}{}
	default:
		return b.time(vary)
	}
}

func (b *builder) str(vary byte) string {
	return b.text[len(b.text)*int(vary%5)/4:] + string(rune('a' + vary%26))[:vary%2]
}

func (b *builder) bytes(vary byte) []byte {
	return append([]byte{}, b.raw[:len(b.raw)-len(b.raw)*int(vary%5)/4]...)
}

func (b *builder) float(vary byte) float64 {
	return math.Float64frombits(b.bits ^ uint64(vary)<<(vary%57))
}

// time is one in the years that a time.Time can say, to the nanosecond, in a
// zone with whole minutes.
func (b *builder) time(vary byte) time.Time {
	t := time.Unix(b.n>>(20+vary%8), int64(b.bits%1e9))
	switch vary % 3 {
	case 0:
		return t.UTC()
	case 1:
		return t.Local()
	default:
		return t.In(time.FixedZone("", 60*(int(vary)-128)*6))
	}
}

// list returns up to 7 elements.
func list[T any](b *builder, elem func() T) []T {
	n := int(b.next() % 9)
	if n == 8 {
		return nil
	}
	s := make([]T, n)
	for i := range s {
		s[i] = elem()
	}
	return s
}

// table returns up to 7 pairs. Of keys that are not equal to themselves there
// is one at most, since nobody could tell them apart.
func table[K comparable, V any](b *builder, key func() K, elem func() V) map[K]V {
	n := int(b.next() % 9)
	if n == 8 {
		return nil
	}
	m := make(map[K]V, n)
	strange := false
	for range n {
		k, v := key(), elem()
		if k != k {
			if strange {
				continue
			}
			strange = true
		}
		m[k] = v
	}
	return m
}

func (b *builder) container(kind byte, depth int) any {
	anything := func() any { return b.value(depth - 1) }
	str := func() string { return b.str(b.next()) }
	raw := func() []byte { return b.bytes(b.next()) }
	num := func() int64 { return b.n ^ int64(b.next()) }
	float := func() float64 { return b.float(b.next()) }
	clock := func() time.Time { return b.time(b.next()) }
	switch kind % 20 {
	case 0:
		return list(b, anything)
	case 1:
		return table(b, str, anything)
	case 2:
		return list(b, str)
	case 3:
		return list(b, raw)
	case 4:
		return list(b, num)
	case 5:
		return list(b, float)
	case 6:
		return list(b, clock)
	case 7:
		return list(b, func() bool { return b.next()%2 == 0 })
	case 8:
		return table(b, str, str)
	case 9:
		return table(b, num, raw)
	case 10:
		return table(b, float, num)
	case 11:
		return table(b, func() bool { return b.next()%2 == 0 }, clock)
	case 12:
		return list(b, func() []string { return list(b, str) })
	case 13:
		return list(b, func() map[string]int64 { return table(b, str, num) })
	case 14:
		return table(b, str, func() map[int64]string { return table(b, num, str) })
	case 15:
		return table(b, func() time.Duration { return time.Duration(num()) }, func() []float64 { return list(b, float) })
	case 16:
		return list(b, func() *int64 { n := num(); return &n })
	case 17:
		return list(b, func() struct{} { return struct{}{} })
	case 18:
		return table(b, func() uint8 { return b.next() }, anything)
	default:
		return b.oddKeys(anything)
	}
}

// oddKeys is a map with keys of several types. Times are made of UTC here: two
// that show the same are else two keys.
func (b *builder) oddKeys(elem func() any) map[any]any {
	return table(b, func() any {
		switch b.next() % 4 {
		case 0:
			return b.str(b.next())
		case 1:
			return b.n
		case 2:
			return b.float(b.next())
		default:
			return b.time(b.next()).UTC()
		}
	}, elem)
}
