package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// tree walks the tree under a page, all of whose keys must be within the bounds.
func (w *walk) tree(id uint64, keys bounds, depth int, where home) error {
	p, err := w.page(id)
	if err == nil && depth > maxDepth {
		err = errors.New("the tree is too deep")
	}
	var children []byte
	var inside []nested
	switch {
	case err != nil:
	case p.kind == kindBranch:
		children, err = w.branch(p, keys, depth+where.level*(maxDepth+1))
	case p.kind == kindLeaf:
		inside, err = w.leaf(p, keys, where)
	default:
		err = errors.New("it is no part of a tree")
	}
	if err == nil {
		err = w.use(id, p.pages)
	}
	switch {
	case err != nil:
		return w.lost(loss{id, keys, depth, where, err})
	case p.kind == kindBranch:
		return w.children(children, p.count, keys, depth, where)
	}
	if w.found != nil {
		if err := w.found(leaf{page: p, keys: keys, depth: depth, where: where}); err != nil {
			return err
		}
	}
	return w.buckets(p, inside, where)
}

// branch verifies a branch page and returns its bytes, which are good for as long as
// the walk is below it.
func (w *walk) branch(p page, keys bounds, level int) ([]byte, error) {
	if p.count == 0 || p.size > maxBranch {
		return nil, errors.New("it is no branch that bbolt makes")
	}
	b, err := w.bytes(p.at, int(p.size))
	if err != nil {
		return nil, err
	}
	for len(w.branches) <= level {
		w.branches = append(w.branches, nil)
	}
	b = append(w.branches[level][:0], b...)
	w.branches[level] = b
	e := &elements{whole: b, size: p.size}
	if err := e.start(p.count); err != nil {
		return nil, err
	}
	return b, within(e, keys, nil)
}

// children walks what is below a branch page.
func (w *walk) children(b []byte, count int, keys bounds, depth int, where home) error {
	e := &elements{whole: b, size: int64(len(b))}
	if err := e.start(count); err != nil {
		return err
	}
	_, err := e.next()
	for more := true; more && err == nil; {
		below := bounds{e.key, keys.high}
		child := e.child
		if more, err = e.next(); more {
			below.high = e.key
		}
		if err == nil {
			err = w.tree(child, below, depth+1, where)
		}
	}
	return err
}

// within goes through all elements, whose keys must be within the bounds. The first
// key is the one that leads to the page: by it bbolt finds what to replace when the
// page has changed.
func within(e *elements, keys bounds, each func() error) error {
	for {
		more, err := e.next()
		switch {
		case err != nil:
			return err
		case e.n <= 1 && keys.low != nil && !bytes.Equal(e.key, keys.low):
			return errors.New("it does not begin with the key that leads to it")
		case !more:
			return nil
		case keys.high != nil && len(e.heads) == 0 && bytes.Compare(e.key, keys.high) >= 0: // the others ascend
			return errors.New("it has keys that belong elsewhere")
		}
		if each == nil {
			continue
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// nested is a bucket in a leaf: it has a tree of its own or is inside the leaf.
type nested struct {
	name   string
	root   uint64 // 0 if it has none
	inline []byte // then it is this page, if somebody wants to know
}

// leaf verifies a leaf page, and returns the buckets in it.
func (w *walk) leaf(p page, keys bounds, where home) (inside []nested, err error) {
	e, err := w.elements(p)
	if err != nil {
		return nil, err
	}
	err = within(e, keys, func() error {
		switch {
		case e.flags == flagBucket:
			b, err := w.bucket(e)
			if b.root != 0 || w.found != nil {
				inside = append(inside, b)
			}
			return err
		case e.flags != 0:
			return errors.New("an element is of no known kind")
		case where.top:
			return errors.New("an element is not a bucket")
		}
		return nil
	})
	return inside, err
}

// bucket verifies the head of a bucket and, if it is small, the page inside it.
func (w *walk) bucket(e *elements) (nested, error) {
	n := e.value[1] - e.value[0]
	if n < bucketHead || n > w.pageSize {
		return nested{}, errors.New("a bucket is of a wrong size")
	}
	b, err := e.bytes(e.value[0], int(n))
	if err != nil {
		return nested{}, err
	}
	inside := nested{name: string(e.key), root: binary.NativeEndian.Uint64(b)}
	b = b[bucketHead:]
	if inside.root != 0 {
		if len(b) > 0 {
			err = errors.New("a bucket is of a wrong size")
		}
		return inside, err
	}
	if w.found != nil {
		b = bytes.Clone(b)
		inside.inline = b
	}
	inner, err := inlinePage(b)
	if err == nil {
		err = within(inner, bounds{}, func() error {
			if inner.flags != 0 {
				return errors.New("a bucket inside a page has another one")
			}
			return nil
		})
	}
	return inside, err
}

// inlinePage prepares to go through the page that is the value of a small bucket.
func inlinePage(b []byte) (*elements, error) {
	order := binary.NativeEndian
	if len(b) < pageHead || order.Uint16(b[8:]) != kindLeaf || order.Uint32(b[12:]) != 0 {
		return nil, errors.New("a bucket inside a page is none")
	}
	e := &elements{whole: b, leaf: true, size: int64(len(b))}
	return e, e.start(int(order.Uint16(b[10:])))
}

// buckets walks the buckets inside a leaf.
func (w *walk) buckets(p page, inside []nested, where home) error {
	for _, b := range inside {
		below := home{level: where.level + 1}
		if where.top {
			below.bucket = b.name
		}
		var err error
		switch {
		case below.level > maxNested:
			err = w.lost(loss{p.id, bounds{}, 0, below, errors.New("too many buckets within buckets")})
		case b.root == 0:
			err = w.found(leaf{inline: b.inline, where: below})
		default:
			err = w.tree(b.root, bounds{}, 0, below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A leaf is what the walk finds: a page or the inside of a small bucket. Its keys are
// good until the walk goes on.
type leaf struct {
	page   page
	inline []byte
	keys   bounds
	depth  int // in its tree
	where  home
}

func (w *walk) elementsOf(l leaf) (*elements, error) {
	if l.inline != nil {
		return inlinePage(l.inline)
	}
	return w.elements(l.page)
}
