package bolt

import (
	"slices"

	"go.etcd.io/bbolt"
)

// copyBytes bounds what one transaction of a copier writes, and so the memory
// that it needs.
const copyBytes = 8 << 20

// A copier copies a database with everything that is in it, in the order of
// the keys, so that its pages are full and lie side by side.
type copier struct {
	dst   *bbolt.DB
	check func() error // why to stop
	sync  func() error // makes durable what was copied, so that no sync takes long; nil for never
	tx    *bbolt.Tx    // of dst
	size  int          // what tx has been given
}

func (c *copier) copy(src *bbolt.Tx) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer func() { _ = c.tx.Rollback() }() // nothing once it is committed
	err := src.ForEach(func(name []byte, b *bbolt.Bucket) error {
		return c.bucket([][]byte{name}, b)
	})
	if err != nil {
		return err
	}
	return c.tx.Commit()
}

func (c *copier) begin() error {
	if err := c.check(); err != nil {
		return err
	}
	tx, err := c.dst.Begin(true)
	if err != nil {
		return err
	}
	c.tx, c.size = tx, 0
	c.dst.AllocSize = growth(c.tx.Size())
	return nil
}

// bucket copies the bucket at path, which is src.
func (c *copier) bucket(path [][]byte, src *bbolt.Bucket) error {
	if err := c.create(path, src.Sequence()); err != nil {
		return err
	}
	return src.ForEach(func(k, v []byte) error {
		if v == nil {
			return c.bucket(append(slices.Clone(path), k), src.Bucket(k))
		}
		return c.put(path, k, v)
	})
}

func (c *copier) create(path [][]byte, sequence uint64) error {
	last := len(path) - 1
	create := c.tx.CreateBucket
	if last > 0 {
		create = c.at(path[:last]).CreateBucket
	}
	b, err := create(path[last])
	if err != nil {
		return err
	}
	return b.SetSequence(sequence)
}

func (c *copier) put(path [][]byte, k, v []byte) error {
	b := c.at(path)
	b.FillPercent = fillTimeOrdered
	if err := b.Put(k, v); err != nil {
		return err
	}
	if c.size += len(k) + len(v); c.size < copyBytes {
		return nil
	}
	if err := c.tx.Commit(); err != nil {
		return err
	}
	if c.sync != nil {
		if err := c.sync(); err != nil {
			return err
		}
	}
	return c.begin()
}

// at returns the bucket at path in the transaction of the moment.
func (c *copier) at(path [][]byte) *bbolt.Bucket {
	b := c.tx.Bucket(path[0])
	for _, name := range path[1:] {
		b = b.Bucket(name)
	}
	return b
}
