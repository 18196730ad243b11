package bolt

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// Each read transaction of List walks over at most listChunk keys, or copies
// little more than listBytes.
const (
	listChunk = 512
	listBytes = 1 << 20
)

// List implements [store.Store]. It reads in chunks, each in a transaction of
// its own that has ended before the first record of the chunk is yielded.
func (s *Store) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		if err := s.ready(ctx); err != nil {
			yield(store.Record{}, err)
			return
		}
		// What the overlay has now, and then all else in the database: what is
		// moved in between is found in both, and yielded once.
		l := lister{store: s, owner: owner, bucket: s.buckets.records, ids: s.overlay.ids(owner)}
		l.seen = make(map[store.ID]bool, len(l.ids))
		for _, id := range l.ids {
			l.seen[id] = true
		}
		if owner != "" {
			l.bucket, l.prefix = s.buckets.owners, ownerPrefix(owner)
		}
		l.next = l.prefix
		for {
			for len(l.ids) > 0 {
				if !l.yieldBatch(ctx, yield) {
					return
				}
			}
			if l.done {
				return
			}
			if err := l.walk(ctx); err != nil {
				yield(store.Record{}, err)
				return
			}
		}
	}
}

// A lister goes through the index entries of an owner or, without one, through
// all records. It first collects IDs and then reads their records.
type lister struct {
	store  *Store
	owner  string
	bucket []byte
	prefix []byte
	next   []byte            // where the next walk begins
	done   bool              // nothing is there
	ids    []store.ID        // those whose records are still to be read
	seen   map[store.ID]bool // those that the walk leaves out
}

// walk collects the next IDs from the database, and gives word of index entries
// that lead nowhere.
func (l *lister) walk(ctx context.Context) error {
	if err := l.store.ready(ctx); err != nil {
		return err
	}
	var dangling [][]byte
	err := l.store.view(func(tx *bbolt.Tx) error {
		b, records := tx.Bucket(l.bucket), tx.Bucket(l.store.buckets.records)
		if b == nil || records == nil {
			return l.store.corrupt(store.ID{}, errNoBucket)
		}
		c := b.Cursor()
		k, _ := c.Seek(l.next)
		visited := 0
		for ; k != nil && bytes.HasPrefix(k, l.prefix) && visited < listChunk; k, _ = c.Next() {
			visited++
			if len(k) != len(l.prefix)+idSize {
				continue
			}
			if id := store.ID(k[len(l.prefix):]); !l.seen[id] {
				l.ids = append(l.ids, id)
			}
			if l.owner != "" && l.store.dangling(records, k) {
				dangling = append(dangling, bytes.Clone(k))
			}
			l.next = append(bytes.Clone(k), 0)
		}
		l.done = visited < listChunk
		return nil
	})
	if len(dangling) > 0 {
		l.store.tidy(dangling)
	}
	if err != nil {
		return l.store.describe("list", err)
	}
	return nil
}

// yieldBatch yields the records of the next IDs. It reports whether the listing
// goes on.
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
		if over := (*expiredError)(nil); errors.As(e.err, &over) {
			if e = l.again(ctx, e.record.ID); !settled(e.err) {
				yield(store.Record{}, e.err)
				return false
			}
		}
		if l.skips(e) {
			continue
		}
		if errors.Is(e.err, store.ErrCorrupt) {
			e.record = store.Record{ID: e.record.ID}
		}
		if !yield(e.record, e.err) {
			return false
		}
	}
	return true
}

// A listed record is one that List may yield.
type listed struct {
	record store.Record
	err    error // store.ErrNotFound: there is nothing to yield
}

// again reads a record that had expired as Load does, which knows whether it was being
// saved.
func (l *lister) again(ctx context.Context, id store.ID) (e listed) {
	e.record, e.err = l.store.Load(ctx, id)
	e.record.ID = id
	return e
}

// settled reports whether an error says something of a record.
func settled(err error) bool {
	return err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrCorrupt)
}

// skips reports whether e is no record of this listing: it is gone, has
// expired or has another owner by now.
func (l *lister) skips(e listed) bool {
	if e.err != nil {
		return errors.Is(e.err, store.ErrNotFound)
	}
	return l.owner != "" && l.owner != e.record.Owner
}

// read reads the records of the next IDs, as many as one transaction may, and
// takes their IDs off the list.
func (l *lister) read() ([]listed, error) {
	ids := l.ids[:min(len(l.ids), listChunk)]
	states := make([]*state, len(ids))
	for i, id := range ids {
		states[i] = l.store.overlay.get(id)
	}
	var batch []listed
	err := l.store.view(func(tx *bbolt.Tx) error {
		records := tx.Bucket(l.store.buckets.records)
		if records == nil {
			return l.store.corrupt(store.ID{}, errNoBucket)
		}
		now := millis(time.Now())
		for size := 0; len(batch) < len(ids) && size < listBytes; {
			var e listed
			if n := len(batch); states[n] != nil {
				e.record, e.err = states[n].load(ids[n], now)
			} else {
				e.record, e.err = l.store.loadFrom(records, ids[n])
			}
			e.record.ID = ids[len(batch)]
			size += len(e.record.Data)
			batch = append(batch, e)
		}
		return nil
	})
	for n := range batch { // as Load does, and for the same reason
		if state := l.store.overlay.get(ids[n]); states[n] == nil && state != nil {
			batch[n].record, batch[n].err = state.load(ids[n], millis(time.Now()))
			batch[n].record.ID = ids[n]
		}
	}
	l.ids = l.ids[len(batch):]
	if err != nil {
		err = l.store.describe("list", err)
	}
	return batch, err
}

// dangling reports whether an entry of the owner index leads to no record of
// that owner. Damage leaves such entries, and the removal of a damaged record.
func (s *Store) dangling(records *bbolt.Bucket, key []byte) bool {
	id := store.ID(key[len(key)-idSize:])
	b := records.Get(id[:])
	if b == nil {
		return true
	}
	r, err := decodeRecord(id, b)
	return err == nil && !bytes.Equal(ownerKey(r.owner, id), key)
}

// tidy has entries of the owner index removed that lead nowhere, some time, if
// there is room to ask for it.
func (s *Store) tidy(keys [][]byte) {
	job := func() error {
		return s.update(func(t *txn) error {
			for _, k := range keys {
				if t.owners.Get(k) == nil || !s.dangling(t.records.Bucket, k) {
					continue
				}
				t.writes++
				if err := t.owners.Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	select {
	case s.work <- &request{job: job, ctx: context.Background(), done: make(chan struct{}, 1)}:
	default:
	}
}
