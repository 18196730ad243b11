package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The pages of a bbolt file, read without bbolt, which believes what they say.
// A page begins with its number (8 bytes), its kind (2), how many elements it has (2)
// and how many pages follow that belong to it (4). Then come the heads of the
// elements, 16 bytes each, and then their keys and values, one after the other.
// Numbers are in the order of the machine.
const (
	pageHead    = 16
	elementHead = 16
	bucketHead  = 16

	kindBranch   = 0x01
	kindLeaf     = 0x02
	kindFreelist = 0x10

	flagBucket = 0x01 // of the element of a leaf: its value is a bucket

	maxKey    = 32768     // bbolt takes no longer ones
	maxBranch = 1 << 20   // bytes of a branch page: bbolt divides it long before
	maxWhole  = 256 << 10 // larger pages are read piece by piece
	minRead   = 8 << 10
)

// A pageFile reads the pages of a file. Of pages that lie one after the other it
// reads more and more at once.
type pageFile struct {
	r        io.ReaderAt
	pageSize int64
	pages    uint64 // how many there are
	window   []byte // what was read last
	from     int64  // and where it begins
	ahead    int
}

// bytes returns n bytes, which must be inside the pages. They are good until the
// next call.
func (f *pageFile) bytes(at int64, n int) ([]byte, error) {
	if o := at - f.from; o >= 0 && o+int64(n) <= int64(len(f.window)) {
		return f.window[o : o+int64(n)], nil
	}
	if at == f.from+int64(len(f.window)) {
		f.ahead = min(2*f.ahead, maxWhole)
	} else {
		f.ahead = minRead
	}
	end := int64(f.pages) * f.pageSize
	want := int(min(int64(max(n, f.ahead)), end-at))
	if cap(f.window) < want {
		f.window = make([]byte, max(want, maxWhole))
	}
	f.window, f.from = f.window[:want], at
	got, err := f.r.ReadAt(f.window, at)
	f.window = f.window[:got]
	if got < n {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return f.window[:n], nil
}

// A page is the head of a page.
type page struct {
	id    uint64
	at    int64 // where it begins in the file
	kind  uint16
	count int
	pages uint64 // how many it takes, with those that belong to it
	size  int64  // how many bytes
}

// page reads the head of a page.
func (f *pageFile) page(id uint64) (page, error) {
	if id < 2 || id >= f.pages {
		return page{}, fmt.Errorf("there is no page %d", id)
	}
	at := int64(id) * f.pageSize
	b, err := f.bytes(at, int(min(f.pageSize, maxWhole)))
	if err != nil {
		return page{}, err
	}
	order := binary.NativeEndian
	p := page{id: id, at: at, kind: order.Uint16(b[8:]), count: int(order.Uint16(b[10:])), pages: 1 + uint64(order.Uint32(b[12:]))}
	switch {
	case order.Uint64(b) != id:
		return page{}, fmt.Errorf("it is another page, %d", order.Uint64(b))
	case p.pages > f.pages-id:
		return page{}, errors.New("it reaches beyond the end of the file")
	case p.kind != kindBranch && p.kind != kindLeaf && p.kind != kindFreelist:
		return page{}, fmt.Errorf("it is of the unknown kind %#x", p.kind)
	}
	p.size = int64(p.pages) * f.pageSize
	return p, nil
}

// elements goes through a branch or leaf page, and checks that its parts lie
// inside it and follow each other, and that its keys ascend.
type elements struct {
	file  *pageFile // nil if whole is all there is
	at    int64
	whole []byte // the page, or nil if it is large
	heads []byte
	leaf  bool
	size  int64
	end   int64     // where the next key begins
	own   [2][]byte // room for the last two keys of a large page

	// Of the element that next has read. The key is good until the next but one.
	n     int // how many were read
	key   []byte
	flags uint32
	child uint64
	value [2]int64 // where the value begins and ends
}

// elements prepares to go through a page.
func (f *pageFile) elements(p page) (*elements, error) {
	e := &elements{file: f, at: p.at, leaf: p.kind == kindLeaf, size: p.size}
	if p.size <= maxWhole {
		whole, err := f.bytes(p.at, int(p.size))
		if err != nil {
			return nil, err
		}
		e.whole = whole
	}
	return e, e.start(p.count)
}

func (e *elements) start(count int) error {
	e.end = pageHead + int64(count)*elementHead
	if e.end > e.size {
		return errors.New("it has more elements than room")
	}
	heads, err := e.bytes(pageHead, int(e.end-pageHead))
	if e.whole == nil {
		heads = bytes.Clone(heads)
	}
	e.heads = heads
	return err
}

// bytes returns a part of the page. Of a large page it is good until the next call.
func (e *elements) bytes(at int64, n int) ([]byte, error) {
	if e.whole != nil {
		return e.whole[at : at+int64(n)], nil
	}
	return e.file.bytes(e.at+at, n)
}

// next reads the next element. It reports whether there was one.
func (e *elements) next() (bool, error) {
	if len(e.heads) == 0 {
		return false, nil
	}
	order := binary.NativeEndian
	head := e.heads[:elementHead]
	e.heads = e.heads[elementHead:]
	var distance, keySize, valueSize int64
	if e.leaf {
		e.flags = order.Uint32(head)
		distance, keySize, valueSize = int64(order.Uint32(head[4:])), int64(order.Uint32(head[8:])), int64(order.Uint32(head[12:]))
	} else {
		distance, keySize, e.child = int64(order.Uint32(head)), int64(order.Uint32(head[4:])), order.Uint64(head[8:])
	}
	at := e.end
	switch {
	case pageHead+int64(e.n)*elementHead+distance != at:
		return false, fmt.Errorf("element %d is not where it should be", e.n)
	case keySize == 0 || keySize > maxKey:
		return false, fmt.Errorf("element %d has a key of %d bytes", e.n, keySize)
	case at+keySize+valueSize > e.size:
		return false, fmt.Errorf("element %d reaches beyond the page", e.n)
	}
	last := e.key
	if err := e.readKey(at, int(keySize)); err != nil {
		return false, err
	}
	if e.n > 0 && bytes.Compare(last, e.key) >= 0 {
		return false, fmt.Errorf("element %d is not in order", e.n)
	}
	e.value = [2]int64{at + keySize, at + keySize + valueSize}
	e.end = e.value[1]
	e.n++
	return true, nil
}

func (e *elements) readKey(at int64, n int) error {
	key, err := e.bytes(at, n)
	if err == nil && e.whole == nil {
		own := &e.own[e.n%2]
		*own = append((*own)[:0], key...)
		key = *own
	}
	e.key = key
	return err
}
