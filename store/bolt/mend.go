package bolt

import (
	"errors"
	"io"
)

// When one of the two meta pages is lost bbolt goes on with the other one. That may
// be of the transaction before the last: what was deleted last would be back. A
// crash does not lose a meta page, which a disk writes whole; damage does.

// mend looks at both meta pages. One in which a single byte is wrong is put right,
// which its checksum allows. It reports whether one is lost for good.
func mend(f readerWriterAt, size int64) (lost bool, err error) {
	m, err := newestMeta(f)
	if err != nil {
		return false, nil // verify tells why
	}
	for _, at := range []int64{0, int64(m.pageSize)} {
		w := &witness{ReaderAt: f}
		if _, ok := readMeta(w, at); ok || at+metaOffset+metaSize > size {
			continue
		}
		if w.err != nil {
			return false, w.err
		}
		b := make([]byte, metaSize)
		if _, err := f.ReadAt(b, at+metaOffset); err != nil {
			return false, err
		}
		if !correct(b, m.pageSize) {
			lost = true
			continue
		}
		if _, err := f.WriteAt(b, at+metaOffset); err != nil {
			return false, err
		}
	}
	return lost, nil
}

type readerWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

var errStale = errors.New("one of its meta pages is lost, and the other one is older than the journal")

// correct finds the byte of a meta page that is wrong, if it is just one. That another
// one fits by chance is as likely as it is for all checksums of 64 bits.
func correct(b []byte, pageSize uint32) bool {
	for i := range b {
		right := b[i]
		for range 255 {
			b[i]++
			if m, ok := parseMeta(b); ok && m.pageSize == pageSize {
				return true
			}
		}
		b[i] = right
	}
	return false
}
