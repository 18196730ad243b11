package bolt

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"
)

// copyBytes bounds what a step of a copier copies: what it holds up waits for no
// more than that, and its pages are in memory until they are written.
const copyBytes = 4 << 20

// A copier copies a database with everything that is in it, in the order of
// the keys, so that its pages are full and lie side by side. It works in steps,
// between which the database may change.
type copier struct {
	dst  *bbolt.DB
	path [][]byte // the bucket that it is in, none at the top
	from []byte   // the key there to go on at
	done bool
	size int // what the step has copied
}

// step copies the next part of src in a transaction of its own.
func (c *copier) step(src *bbolt.Tx) error {
	return c.dst.Update(func(tx *bbolt.Tx) error {
		c.dst.AllocSize = growth(tx.Size())
		for c.size = 0; !c.done && c.size < copyBytes; {
			if err := c.walk(src, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// walk copies from the bucket that c is in until that ends, or one within it
// begins, or it is enough for a step.
func (c *copier) walk(src, dst *bbolt.Tx) error {
	cursor, into := src.Cursor(), bucketAt(dst, c.path)
	if into != nil {
		cursor, into.FillPercent = bucketAt(src, c.path).Cursor(), fillTimeOrdered
	}
	for k, v := cursor.Seek(c.from); k != nil; k, v = cursor.Next() {
		if v == nil {
			return c.enter(k, src, dst)
		}
		if err := into.Put(k, v); err != nil {
			return err
		}
		if c.size += len(k) + len(v); c.size >= copyBytes {
			c.from = append(bytes.Clone(k), 0)
			return nil
		}
	}
	c.leave()
	return nil
}

// enter goes on in a bucket within that where c is.
func (c *copier) enter(name []byte, src, dst *bbolt.Tx) error {
	create := dst.CreateBucket
	if parent := bucketAt(dst, c.path); parent != nil {
		create = parent.CreateBucket
	}
	c.path, c.from = append(c.path, bytes.Clone(name)), nil
	b, err := create(name)
	if err != nil {
		return err
	}
	return b.SetSequence(bucketAt(src, c.path).Sequence())
}

// leave goes on behind the bucket where c is.
func (c *copier) leave() {
	last := len(c.path) - 1
	if last < 0 {
		c.done = true
		return
	}
	c.path, c.from = c.path[:last], append(slices.Clip(c.path[last]), 0)
}

// passed reports whether a key of a bucket at the top lies behind c, which does
// not see what becomes of it any more.
func (c *copier) passed(bucket, key []byte) bool {
	switch {
	case c.done:
		return true
	case len(c.path) == 0:
		return bytes.Compare(bucket, c.from) < 0
	case !bytes.Equal(bucket, c.path[0]):
		return bytes.Compare(bucket, c.path[0]) < 0
	}
	return bytes.Compare(key, c.from) < 0
}

// bucketAt returns the bucket at path, nil for the top.
func bucketAt(tx *bbolt.Tx, path [][]byte) *bbolt.Bucket {
	if len(path) == 0 {
		return nil
	}
	b := tx.Bucket(path[0])
	for _, name := range path[1:] {
		b = b.Bucket(name)
	}
	return b
}
