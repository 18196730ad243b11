package gimlet

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"time"
)

// Times and elements of type any are converted before the codec sees them,
// so that every codec gives them back exactly: a time to the bytes of its
// binary form, an any to the bytes of its own stored form. Where they are
// keys of a map, to the base64 text of these bytes.

var errDamaged = errors.New("damaged")

// convert returns v, of shape s, as the codec is given it.
func (e *encoder) convert(s *shape, v reflect.Value) (reflect.Value, error) {
	if s.plain() {
		return v, nil
	}
	switch s.kind {
	case kindTime, kindAny:
		b, err := e.bytesOf(s, v)
		return reflect.ValueOf(b), err
	case kindMap:
		return e.convertMap(s, v)
	case kindPointer:
		if v.IsNil() {
			return reflect.Zero(s.wire), nil
		}
		elem, err := e.convert(s.elem, v.Elem())
		if err != nil {
			return elem, err
		}
		p := reflect.New(s.elem.wire)
		p.Elem().Set(elem)
		return p, nil
	default:
		return e.convertList(s, v)
	}
}

func (e *encoder) bytesOf(s *shape, v reflect.Value) ([]byte, error) {
	if s.kind == kindTime {
		return v.Interface().(time.Time).MarshalBinary()
	}
	return e.encode(v.Interface())
}

func (e *encoder) convertList(s *shape, v reflect.Value) (reflect.Value, error) {
	if s.kind == kindSlice && v.IsNil() {
		return reflect.Zero(s.wire), nil
	}
	list := reflect.MakeSlice(s.wire, v.Len(), v.Len())
	for i := range v.Len() {
		elem, err := e.convert(s.elem, v.Index(i))
		if err != nil {
			return elem, err
		}
		list.Index(i).Set(elem)
	}
	return list, nil
}

func (e *encoder) convertMap(s *shape, v reflect.Value) (reflect.Value, error) {
	if v.IsNil() {
		return reflect.Zero(s.wire), nil
	}
	m := reflect.MakeMapWithSize(s.wire, v.Len())
	for pairs := v.MapRange(); pairs.Next(); {
		key := pairs.Key()
		if !s.key.plain() {
			b, err := e.bytesOf(s.key, key)
			if err != nil {
				return key, err
			}
			key = reflect.ValueOf(base64.RawURLEncoding.EncodeToString(b))
		}
		elem, err := e.convert(s.elem, pairs.Value())
		if err != nil {
			return elem, err
		}
		m.SetMapIndex(key, elem)
	}
	return m, nil
}

// restore sets dst, of shape s, to what w was converted from.
func (d *decoder) restore(s *shape, w, dst reflect.Value) error {
	if s.plain() {
		dst.Set(w)
		return nil
	}
	switch s.kind {
	case kindTime, kindAny:
		return d.setFrom(s, w.Bytes(), dst)
	case kindMap:
		return d.restoreMap(s, w, dst)
	case kindPointer:
		if w.IsNil() {
			return nil
		}
		dst.Set(reflect.New(dst.Type().Elem()))
		return d.restore(s.elem, w.Elem(), dst.Elem())
	default:
		return d.restoreList(s, w, dst)
	}
}

func (d *decoder) setFrom(s *shape, b []byte, dst reflect.Value) error {
	if s.kind == kindTime {
		t, err := readTime(b)
		dst.Set(reflect.ValueOf(t))
		return err
	}
	v, err := d.decode(b)
	if v != nil {
		dst.Set(reflect.ValueOf(v))
	}
	return err
}

// readTime reads the binary form of a time. It takes nothing that a time
// would not be written as: package time does not look at all of the bytes.
func readTime(b []byte) (time.Time, error) {
	var t time.Time
	if err := t.UnmarshalBinary(b); err != nil {
		return time.Time{}, errDamaged
	}
	var buf [16]byte
	if again, err := t.AppendBinary(buf[:0]); err != nil || !bytes.Equal(again, b) {
		return time.Time{}, errDamaged
	}
	return t, nil
}

func (d *decoder) restoreList(s *shape, w, dst reflect.Value) error {
	if dst.Kind() == reflect.Slice {
		if w.IsNil() {
			return nil
		}
		dst.Set(reflect.MakeSlice(dst.Type(), w.Len(), w.Len()))
	}
	if dst.Len() != w.Len() {
		return errDamaged
	}
	for i := range w.Len() {
		if err := d.restore(s.elem, w.Index(i), dst.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) restoreMap(s *shape, w, dst reflect.Value) error {
	if w.IsNil() {
		return nil
	}
	dst.Set(reflect.MakeMapWithSize(dst.Type(), w.Len()))
	for pairs := w.MapRange(); pairs.Next(); {
		key, err := d.restoreKey(s.key, pairs.Key())
		if err != nil {
			return err
		}
		elem := reflect.New(s.elem.typ).Elem()
		if err := d.restore(s.elem, pairs.Value(), elem); err != nil {
			return err
		}
		dst.SetMapIndex(key, elem)
	}
	return nil
}

func (d *decoder) restoreKey(s *shape, w reflect.Value) (reflect.Value, error) {
	if s.plain() {
		return w, nil
	}
	key := reflect.New(s.typ).Elem()
	b, err := base64.RawURLEncoding.Strict().DecodeString(w.String())
	if err != nil {
		return key, errDamaged
	}
	if err := d.setFrom(s, b, key); err != nil {
		return key, err
	}
	if !key.Comparable() {
		return key, errDamaged // such a key would panic
	}
	return key, nil
}
