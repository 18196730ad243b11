package gimlet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A frame holds the values of a session that live in one place, in a form
// that is searched without decoding: for each value the length of its key,
// the key, the length of its stored form, and the stored form. Lengths are
// uvarints in their shortest form; keys ascend. So equal content is equal
// bytes, and no values are no bytes.
//
// A frame is never changed; it may be shared. Its methods are safe on any
// bytes: what follows damage is not seen, and valid tells of it.
type frame []byte

var errFrame = errors.New("malformed values")

// get returns the stored form of a key's value: a slice of the frame.
func (f frame) get(key string) (enc []byte, ok bool) {
	for at := 0; at < len(f); {
		k, v := f.next(at)
		if v.end < 0 {
			break
		}
		if string(f[k.start:k.end]) == key {
			return f[v.start:v.end:v.end], true
		}
		at = v.end
	}
	return nil, false
}

// A span is a part of a frame. Its end is negative if there is none.
type span struct{ start, end int }

// next returns the key and the stored form of the pair at an offset. There is
// no key without a stored form.
func (f frame) next(at int) (key, enc span) {
	if key = f.block(at); key.end >= 0 {
		enc = f.block(key.end)
		return key, enc
	}
	return key, key
}

// block returns where the bytes are whose length stands at an offset.
func (f frame) block(at int) span {
	if at < len(f) && f[at] < 0x80 {
		s := span{at + 1, at + 1 + int(f[at])}
		if s.end <= len(f) {
			return s
		}
	}
	return f.longBlock(at)
}

// longBlock is block for lengths of more than one byte, and for damage.
func (f frame) longBlock(at int) span {
	n, size := binary.Uvarint(f[at:])
	start := at + size
	if size <= 1 || f[start-1] == 0 || n > uint64(len(f)-start) { // 0: a longer form than needed
		return span{end: -1}
	}
	return span{start, start + int(n)}
}

// len returns the number of pairs.
func (f frame) len() int {
	n := 0
	for range f.all() {
		n++
	}
	return n
}

// all yields the pairs in the order of their keys. The stored forms are
// slices of the frame.
func (f frame) all() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for at := 0; at < len(f); {
			k, v := f.next(at)
			if v.end < 0 || !yield(string(f[k.start:k.end]), f[v.start:v.end:v.end]) {
				return
			}
			at = v.end
		}
	}
}

// valid returns an error unless the whole frame is sound.
func (f frame) valid() error {
	last := span{end: -1}
	for at := 0; at < len(f); {
		k, v := f.next(at)
		if v.end < 0 || last.end >= 0 && bytes.Compare(f[last.start:last.end], f[k.start:k.end]) >= 0 {
			return errFrame
		}
		last, at = k, v.end
	}
	return nil
}

// appendEntry appends a pair. Its key must be greater than those before it.
func appendEntry(dst frame, key string, enc []byte) frame {
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	return append(binary.AppendUvarint(dst, uint64(len(enc))), enc...)
}

// buildFrame returns a frame of the stored forms in m.
func buildFrame(m map[string][]byte) frame {
	var f frame
	for _, key := range slices.Sorted(maps.Keys(m)) {
		f = appendEntry(f, key, m[key])
	}
	return f
}

// An edit sets a key to a stored form or, with nil, deletes it.
type edit struct {
	key string
	enc []byte
}

// merge returns f with the edits made, of which no two are of one key. It sorts
// them. If they change nothing it returns f itself.
func (f frame) merge(edits []edit) frame {
	if !f.differs(edits) {
		return f
	}
	if f.valid() != nil {
		// Nobody writes such a frame; should one turn up, what is to go must
		// not stay because its key was out of order.
		f = buildFrame(maps.Collect(f.all()))
	}
	size := len(f)
	for _, e := range edits {
		size += len(e.key) + len(e.enc) + 2*binary.MaxVarintLen32
	}
	merged := make(frame, 0, size)
	slices.SortFunc(edits, func(a, b edit) int { return strings.Compare(a.key, b.key) })
	for key, enc := range f.all() {
		for len(edits) > 0 && edits[0].key < key {
			merged = merged.appendEdit(edits[0])
			edits = edits[1:]
		}
		if len(edits) > 0 && edits[0].key == key {
			enc = edits[0].enc
			edits = edits[1:]
		}
		if enc != nil {
			merged = appendEntry(merged, key, enc)
		}
	}
	for _, e := range edits {
		merged = merged.appendEdit(e)
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

func (f frame) appendEdit(e edit) frame {
	if e.enc != nil {
		return appendEntry(f, e.key, e.enc)
	}
	return f
}

// differs reports whether any of the edits changes something.
func (f frame) differs(edits []edit) bool {
	for _, e := range edits {
		old, ok := f.get(e.key)
		if ok != (e.enc != nil) || !bytes.Equal(old, e.enc) {
			return true
		}
	}
	return false
}

// keysOf returns the keys in frames in ascending order, without the hidden ones.
func keysOf(frames ...frame) []string {
	keys := make([]string, 0, 8)
	for _, f := range frames {
		for key := range f.all() {
			if !hidden(key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}
