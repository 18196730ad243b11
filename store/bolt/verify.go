package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// bbolt follows whatever the pages of a file say: beyond the end of the file, in
// circles until the stack is full, into memory that is somebody else's. Some of
// that ends the program whatever it does. So before bbolt sees a file, all that
// it will follow is verified. What is in a record is not: it has a checksum.

const (
	maxDepth  = 32 // of a tree: one of this depth would have billions of pages
	maxNested = 32 // buckets within buckets
)

// check verifies the structure of the file.
func (o *opening) check() error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || o.trusted || !verifiesFiles {
		return nil // bbolt makes it, or this process has
	}
	if o.stale, err = mend(o.file, info.Size()); err != nil {
		return err
	}
	err = verify(o.file, info.Size())
	var damage *pageError
	switch {
	case isFault(err):
		return err
	case errors.As(err, &damage):
		return &CorruptError{Path: o.path, Page: damage.page, Err: damage.err}
	case err != nil:
		return &CorruptError{Path: o.path, Err: err}
	}
	return nil
}

// A pageError says which page is damaged.
type pageError struct {
	page uint64
	err  error
}

func (e *pageError) Error() string { return fmt.Sprintf("page %d: %v", e.page, e.err) }
func (e *pageError) Unwrap() error { return e.err }

// verify reads a database of size bytes once, and returns what bbolt would
// stumble over. A page that is neither used nor free is only a waste of space.
func verify(r io.ReaderAt, size int64) error {
	m, err := newestMeta(r)
	if err == nil {
		err = m.fits(size)
	}
	if err != nil {
		return err
	}
	w := newWalk(r, m)
	w.lost = func(l loss) error { return &pageError{l.page, l.err} }
	if err := w.freePages(m.freelist); err != nil {
		return err
	}
	return w.tree(m.root, bounds{}, 0, home{top: true})
}

// A walk goes through the trees of a file, and uses each page once.
type walk struct {
	pageFile
	used     []uint64 // a bit for each page
	branches [][]byte // branch pages that are walked, by their depth

	// lost is called with each part of a tree that cannot be used. The walk goes
	// on behind it unless lost returns an error.
	lost func(l loss) error
	// found is called with each sound leaf. Without it nobody cares.
	found func(l leaf) error
}

// Bounds are the keys from and including low up to and excluding high. Of both
// nil is no bound.
type bounds struct{ low, high []byte }

// A home is the bucket that a page is of.
type home struct {
	top    bool   // it is the bucket of all others
	level  int    // how many buckets it is in
	bucket string // the name of the bucket if that is in the top one, and else ""
}

// A loss is a part of a tree that cannot be used.
type loss struct {
	page  uint64
	keys  bounds
	depth int // in its tree
	where home
	err   error
}

func newWalk(r io.ReaderAt, m metaPage) *walk {
	return &walk{
		pageFile: pageFile{r: r, pageSize: int64(m.pageSize), pages: m.pages},
		used:     make([]uint64, m.pages/64+1),
	}
}

func (w *walk) isUsed(id uint64) bool { return w.used[id/64]&(1<<(id%64)) != 0 }

var errUsed = errors.New("has two uses, or is free")

// use notes that n pages from id on are used. They must be inside the file.
func (w *walk) use(id, n uint64) error {
	for ; n > 0; id, n = id+1, n-1 {
		if w.isUsed(id) {
			return fmt.Errorf("page %d %w", id, errUsed)
		}
		w.used[id/64] |= 1 << (id % 64)
	}
	return nil
}

// freePages notes that the free pages, and those of their list, are used.
func (w *walk) freePages(id uint64) error {
	if id == noFreelist {
		return nil
	}
	p, err := w.page(id)
	if err == nil && p.kind != kindFreelist {
		err = errors.New("it is not the free list")
	}
	if err == nil {
		err = w.use(id, p.pages)
	}
	if err == nil {
		err = w.readFreelist(p)
	}
	if err != nil {
		return &pageError{id, err}
	}
	return nil
}

// readFreelist reads the numbers of the free pages, 8 bytes each. If they are too
// many for the head of the page, how many comes first.
func (w *walk) readFreelist(p page) error {
	order := binary.NativeEndian
	at, left := p.at+pageHead, uint64(p.count)
	if p.count == 0xffff {
		b, err := w.bytes(at, 8)
		if err != nil {
			return err
		}
		at, left = at+8, order.Uint64(b)
	}
	if left > uint64(p.at+p.size-at)/8 {
		return errors.New("it has more numbers than room")
	}
	for left > 0 {
		n := min(left, minRead/8)
		b, err := w.bytes(at, int(n)*8)
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[8:] {
			free := order.Uint64(b)
			if free < 2 || free >= w.pages {
				return fmt.Errorf("there is no page %d", free)
			}
			if err := w.use(free, 1); err != nil {
				return err
			}
		}
		at, left = at+int64(n)*8, left-n
	}
	return nil
}
