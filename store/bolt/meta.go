package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt believes what the first pages of a file say of its length, and reads
// on beyond the end. So they are checked before it sees the file.

// The two meta pages of a bbolt file are copies of this, one of an older
// transaction than the other. Numbers are in the order of the machine.
const (
	metaOffset  = 16 // after the head of the page
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2

	minPageSize = 1 << 10
	maxPageSize = 1 << 24
)

type metaPage struct {
	pageSize uint32
	pages    uint64 // how many pages the file has, at least
	txid     uint64
}

// check looks at the newest valid meta page.
func (o *opening) check() error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil // bbolt makes it
	}
	m, err := newestMeta(o.file)
	if err != nil {
		return &CorruptError{Path: o.path, Err: err}
	}
	if want := m.pages * uint64(m.pageSize); uint64(info.Size()) < want || m.pages > uint64(info.Size()) {
		return &CorruptError{Path: o.path, Err: fmt.Errorf("cut off: it has %d bytes of at least %d", info.Size(), want)}
	}
	return nil
}

// newestMeta finds both meta pages. The second one lies a page after the first, and
// the size of a page is only known from one of them.
func newestMeta(f *os.File) (metaPage, error) {
	first, ok := readMeta(f, 0)
	if ok {
		if second, ok := readMeta(f, int64(first.pageSize)); ok && second.txid > first.txid {
			return second, nil
		}
		return first, nil
	}
	for size := int64(minPageSize); size <= maxPageSize; size *= 2 {
		if second, ok := readMeta(f, size); ok && int64(second.pageSize) == size {
			return second, nil
		}
	}
	return metaPage{}, errors.New("not a bbolt database, or both of its meta pages are lost")
}

// readMeta reports false when there is no valid meta page at offset.
func readMeta(r io.ReaderAt, offset int64) (metaPage, bool) {
	b := make([]byte, metaSize)
	if _, err := r.ReadAt(b, offset+metaOffset); err != nil {
		return metaPage{}, false
	}
	order := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	m := metaPage{
		pageSize: order.Uint32(b[8:]),
		pages:    order.Uint64(b[40:]),
		txid:     order.Uint64(b[48:]),
	}
	valid := order.Uint32(b) == metaMagic && order.Uint32(b[4:]) == metaVersion &&
		order.Uint64(b[metaSize-8:]) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize
	return m, valid
}
