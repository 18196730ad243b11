package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The two meta pages of a bbolt file are copies of this, one of an older
// transaction than the other. Numbers are in the order of the machine.
const (
	metaOffset  = 16 // after the head of the page
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2

	minPageSize = 1 << 10
	maxPageSize = 1 << 24

	// noFreelist stands in the place of the free list's page if there is none.
	noFreelist = 1<<64 - 1
)

type metaPage struct {
	pageSize uint32
	root     uint64 // the page at the top of the tree that holds the buckets
	freelist uint64 // the page of the free list, or noFreelist
	pages    uint64 // how many pages the file has, at least
	txid     uint64
}

var errNoMeta = errors.New("not a bbolt database, or both of its meta pages are lost")

// newestMeta finds the newer one of both meta pages. If the disk fails meanwhile it
// returns why: what cannot be read now is not lost, and may be the newer one.
func newestMeta(r io.ReaderAt) (metaPage, error) {
	w := &witness{ReaderAt: r}
	m, err := newerMeta(w)
	if w.err != nil {
		return metaPage{}, w.err
	}
	return m, err
}

// A witness remembers whether the disk has failed to read something.
type witness struct {
	io.ReaderAt
	err error
}

func (w *witness) ReadAt(b []byte, at int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(b, at)
	if err != nil && err != io.EOF && w.err == nil {
		w.err = err
	}
	return n, err
}

// newerMeta finds both meta pages. The second one lies a page after the first, and
// the size of a page is only known from one of them.
func newerMeta(r io.ReaderAt) (metaPage, error) {
	first, ok := readMeta(r, 0)
	switch {
	case !ok:
		return secondMeta(r)
	case first.pageSize < minPageSize || first.pageSize > maxPageSize:
		return metaPage{}, fmt.Errorf("a page cannot have %d bytes", first.pageSize)
	}
	second, ok := readMeta(r, int64(first.pageSize))
	if !ok || second.txid <= first.txid {
		return first, nil
	}
	if second.pageSize != first.pageSize {
		return metaPage{}, errors.New("its meta pages do not agree on the size of a page")
	}
	return second, nil
}

// secondMeta looks for the second meta page in the places where bbolt does, and
// in the same order: bbolt takes the first that it finds.
func secondMeta(r io.ReaderAt) (metaPage, error) {
	for size := int64(minPageSize); size <= maxPageSize; size *= 2 {
		m, ok := readMeta(r, size)
		if ok && int64(m.pageSize) == size {
			return m, nil
		}
		if ok {
			break
		}
	}
	return metaPage{}, errNoMeta
}

// readMeta reports false when there is no valid meta page at offset.
func readMeta(r io.ReaderAt, offset int64) (metaPage, bool) {
	b := make([]byte, metaSize)
	if _, err := r.ReadAt(b, offset+metaOffset); err != nil {
		return metaPage{}, false
	}
	return parseMeta(b)
}

// parseMeta reports false when b is not the bytes of a meta page.
func parseMeta(b []byte) (metaPage, bool) {
	order := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	m := metaPage{
		pageSize: order.Uint32(b[8:]),
		root:     order.Uint64(b[16:]),
		freelist: order.Uint64(b[32:]),
		pages:    order.Uint64(b[40:]),
		txid:     order.Uint64(b[48:]),
	}
	valid := order.Uint32(b) == metaMagic && order.Uint32(b[4:]) == metaVersion &&
		order.Uint64(b[metaSize-8:]) == sum.Sum64()
	return m, valid
}

// wasDatabase reports whether a file has what is left of a meta page.
func wasDatabase(r io.ReaderAt) bool {
	b := make([]byte, 4)
	for at := int64(0); at <= maxPageSize; at = max(2*at, minPageSize) {
		if _, err := r.ReadAt(b, at+metaOffset); err == nil && binary.NativeEndian.Uint32(b) == metaMagic {
			return true
		}
	}
	return false
}

// whole fails if f has no meta page, or lacks pages.
func whole(f *os.File) error {
	m, err := newestMeta(f)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return m.fits(info.Size())
}

// fits fails if a file of that size lacks pages that it should have. bbolt would
// read on beyond its end.
func (m metaPage) fits(size int64) error {
	if want := m.pages * uint64(m.pageSize); uint64(size) < want || m.pages > uint64(size) {
		return fmt.Errorf("cut off: it has %d bytes of at least %d", size, want)
	}
	return nil
}
