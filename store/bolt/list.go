package bolt

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// Each read transaction of List walks over at most listChunk keys, or copies
// little more than listBytes.
const (
	listChunk = 512
	listBytes = 1 << 20
)

// List implements [store.Store]. It reads in chunks, each in transactions of
// its own that have ended before the first record of the chunk is yielded.
func (s *Store) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		l := lister{store: s, owner: owner, bucket: s.buckets.records}
		if owner != "" {
			l.bucket, l.prefix = s.buckets.owners, ownerPrefix(owner)
		}
		l.next = l.prefix
		for !l.done {
			if err := l.walk(ctx); err != nil {
				yield(store.Record{}, err)
				return
			}
			for len(l.keys) > 0 {
				if !l.yieldBatch(ctx, yield) {
					return
				}
			}
		}
	}
}

// A lister goes through the index entries of an owner or, without one, through
// all records. It first collects keys and then reads their records, because
// the touches of the records must be known before their transaction begins.
type lister struct {
	store  *Store
	owner  string
	bucket []byte
	prefix []byte
	next   []byte   // where the next walk begins
	done   bool     // nothing is there
	keys   [][]byte // those whose records are still to be read; each ends with an ID
}

// walk collects the next keys.
func (l *lister) walk(ctx context.Context) error {
	if err := l.store.ready(ctx); err != nil {
		return err
	}
	err := l.store.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(l.bucket)
		if b == nil {
			return errNoBucket
		}
		c := b.Cursor()
		k, _ := c.Seek(l.next)
		for ; k != nil && bytes.HasPrefix(k, l.prefix) && len(l.keys) < listChunk; k, _ = c.Next() {
			if len(k) == len(l.prefix)+idSize {
				l.keys = append(l.keys, bytes.Clone(k))
			}
		}
		l.done = len(l.keys) < listChunk
		return nil
	})
	if err != nil {
		return l.store.describe("list", err)
	}
	if !l.done {
		l.next = append(bytes.Clone(l.keys[listChunk-1]), 0)
	}
	return nil
}

// A listed record is one that List may yield.
type listed struct {
	id     store.ID
	record store.Record
	err    error  // store.ErrNotFound: there is nothing to yield
	touch  *touch // the one that record was read with
}

// yieldBatch yields the records of the next keys. It reports whether the
// listing goes on.
func (l *lister) yieldBatch(ctx context.Context, yield func(store.Record, error) bool) bool {
	batch, err := l.read()
	if err != nil {
		yield(store.Record{}, err)
		return false
	}
	for _, e := range batch {
		if err := l.store.ready(ctx); err != nil {
			yield(store.Record{}, err)
			return false
		}
		if e.touch != nil && l.store.touches.get(e.id) != e.touch {
			// As in Load: what was read may be older than the call.
			e.record, e.err = l.store.Load(ctx, e.id)
			if e.err != nil && !errors.Is(e.err, store.ErrNotFound) && !errors.Is(e.err, store.ErrCorrupt) {
				yield(store.Record{}, e.err)
				return false
			}
		}
		if l.skips(e) {
			continue
		}
		if errors.Is(e.err, store.ErrCorrupt) {
			e.record = store.Record{ID: e.id}
		}
		if !yield(e.record, e.err) {
			return false
		}
	}
	return true
}

// skips reports whether e is no record of this listing: it is gone, has
// expired or has another owner by now.
func (l *lister) skips(e listed) bool {
	if e.err != nil {
		return errors.Is(e.err, store.ErrNotFound)
	}
	return l.owner != "" && l.owner != e.record.Owner
}

// read reads the records of the next keys, as many as one transaction may, and
// takes their keys off the list.
func (l *lister) read() ([]listed, error) {
	batch := make([]listed, len(l.keys))
	for i, k := range l.keys {
		id := store.ID(k[len(l.prefix):])
		batch[i] = listed{id: id, touch: l.store.touches.get(id)}
	}
	n := 0
	var dangling [][]byte
	err := l.store.view(func(tx *bbolt.Tx) error {
		t := &txn{store: l.store}
		if err := t.beginAll(tx); err != nil {
			return err
		}
		for size := 0; n < len(batch) && size < listBytes; n++ {
			e := &batch[n]
			e.record, e.err = t.load(e.id, e.touch)
			size += len(e.record.Data)
			if l.skips(*e) && l.owner != "" && t.dangling(l.keys[n]) {
				dangling = append(dangling, l.keys[n])
			}
		}
		return nil
	})
	l.keys = l.keys[n:]
	if len(dangling) > 0 {
		l.store.post(tidyChange{dangling})
	}
	if err != nil {
		err = l.store.describe("list", err)
	}
	return batch[:n], err
}
