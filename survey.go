package gimlet

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// Structs are left to the codec, which trusts that what it is given ends. A
// survey walks through them first, and refuses what would not end or would
// not come back.

var (
	errDeep  = fmt.Errorf("nested too deep (more than %d levels), or contains itself", maxDepth)
	errLarge = errors.New("too many parts")
	errTime  = errors.New("a struct has a time with a year or zone offset that RFC 3339 cannot tell")
)

const (
	// maxSteps bounds how deep a survey goes. Pointers count, so it is more
	// than maxDepth, which the codec bounds.
	maxSteps = 4 * maxDepth
	// maxParts bounds how much a survey visits: shared pointers can make a
	// value of a few bytes expand to any size.
	maxParts = 1 << 20
)

// traits say what a survey must do with the values of a type.
type traits struct {
	look   bool  // at each value
	err    error // for all of them
	opaque bool  // shows nothing of itself to a codec
	hides  bool  // see mayHide
	fields []int // to look into, of a struct
}

var traitsByType sync.Map // of reflect.Type to *traits

func traitsOf(t reflect.Type) *traits {
	if found, ok := traitsByType.Load(t); ok {
		return found.(*traits)
	}
	tr := new(traits)
	tr.include(t, make(map[reflect.Type]bool))
	if t.Kind() == reflect.Struct {
		tr.opaque = isOpaque(t)
		tr.hides = mayHide(t)
		for i := range t.NumField() {
			if isStored(t.Field(i)) && !implementsAny(t, marshalers) { // which the codec would ask instead
				tr.fields = append(tr.fields, i)
			}
		}
	}
	traitsByType.Store(t, tr)
	return tr
}

// include adds the traits of t, and of the types that its values consist of.
// A type met twice may contain itself, so its values are looked at.
func (tr *traits) include(t reflect.Type, met map[reflect.Type]bool) {
	for steps := 0; t.Kind() == reflect.Pointer; steps++ {
		if steps > maxDepth {
			tr.err = unsupported(t) // type P *P
			return
		}
		t = t.Elem()
	}
	if t == leafTypes[kindTime] || mayHide(t) {
		tr.look = true
	}
	if implementsAny(t, marshalers) {
		return
	}
	switch t.Kind() {
	case reflect.Interface:
		tr.look = true
		return
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return
	}
	if met[t] {
		tr.look = true
		return
	}
	met[t] = true
	switch t.Kind() {
	case reflect.Map:
		tr.include(t.Key(), met)
		tr.include(t.Elem(), met)
	case reflect.Struct:
		tr.look = tr.look || isOpaque(t)
		for i := range t.NumField() {
			if f := t.Field(i); isStored(f) {
				tr.include(f.Type, met)
			}
		}
	default:
		tr.include(t.Elem(), met)
	}
}

// mayHide reports whether t embeds a type with marshal methods next to other
// fields. These methods become those of t, unless t has its own, and know
// nothing of the other fields.
func mayHide(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t.NumField() == 1 {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Pointer {
			f.Type = f.Type.Elem()
		}
		if f.Anonymous && implementsAny(f.Type, marshalers) {
			return true
		}
	}
	return false
}

// isStored reports whether a codec looks at the field of a struct.
func isStored(f reflect.StructField) bool {
	tag, ok := f.Tag.Lookup("cbor")
	if !ok {
		tag = f.Tag.Get("json")
	}
	return tag != "-" && (f.IsExported() || f.Anonymous)
}

// isOpaque reports whether a struct has fields, but none that a codec sees.
func isOpaque(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() || f.Anonymous {
			return false
		}
	}
	return t.NumField() > 0
}

// A survey is one walk through a value.
type survey struct {
	codec Codec
	parts int
}

func (s *survey) visit(v reflect.Value, depth int) error {
	tr := traitsOf(v.Type())
	if tr.err != nil || !tr.look {
		return tr.err
	}
	if depth > maxSteps {
		return errDeep
	}
	if s.parts++; s.parts > maxParts {
		return errLarge
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return s.visit(v.Elem(), depth+1)
	case reflect.Struct:
		return s.visitStruct(tr, v, depth)
	case reflect.Map:
		return s.visitMap(v, depth)
	default:
		for i := range v.Len() {
			if err := s.visit(v.Index(i), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *survey) visitMap(v reflect.Value, depth int) error {
	for pairs := v.MapRange(); pairs.Next(); {
		if err := s.visit(pairs.Key(), depth+1); err != nil {
			return err
		}
		if err := s.visit(pairs.Value(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) visitStruct(tr *traits, v reflect.Value, depth int) error {
	switch {
	case v.Type() == leafTypes[kindTime]:
		return checkTime(v)
	case tr.opaque && !v.IsZero():
		return fmt.Errorf("%s has no exported fields", v.Type())
	}
	for _, i := range tr.fields {
		if err := s.visit(v.Field(i), depth+1); err != nil {
			return err
		}
	}
	if tr.hides {
		return s.checkHidden(v)
	}
	return nil
}

// checkTime refuses the times that RFC 3339 cannot tell, which is how codecs
// write those inside of structs.
func checkTime(v reflect.Value) error {
	if !v.CanInterface() {
		return nil
	}
	t := v.Interface().(time.Time)
	_, offset := t.Zone()
	if year := t.Year(); year < 0 || year > 9999 || offset%60 != 0 {
		return errTime
	}
	return nil
}

// checkHidden tries out whether the fields of v come back.
func (s *survey) checkHidden(v reflect.Value) error {
	if !v.CanInterface() {
		return nil
	}
	t := v.Type()
	before, after := reflect.New(t), reflect.New(t)
	before.Elem().Set(v)
	enc, err := s.codec.Marshal(before.Interface())
	if err == nil {
		err = s.codec.Unmarshal(enc, after.Interface())
	}
	if err != nil {
		return err
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.IsExported() && isStored(f) && !v.Field(i).IsZero() && after.Elem().Field(i).IsZero() {
			return fmt.Errorf("%s has a field %s that the marshal methods of an embedded type leave out", t, f.Name)
		}
	}
	return nil
}
