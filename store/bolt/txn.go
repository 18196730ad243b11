package bolt

import (
	"bytes"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// txn is a transaction that writes: the store's buckets, and the only code that
// alters them.
type txn struct {
	store   *Store
	records followedBucket
	expiry  followedBucket
	owners  followedBucket
	meta    followedBucket
	writes  int // how many writes were begun
}

// fillTimeOrdered is how full pages become that are filled from left to right,
// as happens where keys begin with a time.
const fillTimeOrdered = 0.95

// errNoChange rolls back a transaction that wrote nothing.
var errNoChange = errors.New("nothing to commit")

func (t *txn) begin(tx *bbolt.Tx) error {
	names := t.store.buckets
	bucket := func(name []byte) followedBucket {
		return followedBucket{tx.Bucket(name), name, t.store.follower}
	}
	t.records, t.expiry = bucket(names.records), bucket(names.expiry)
	t.owners, t.meta = bucket(names.owners), bucket(names.meta)
	if t.records.Bucket == nil || t.expiry.Bucket == nil || t.owners.Bucket == nil || t.meta.Bucket == nil {
		return t.store.corrupt(store.ID{}, errNoBucket)
	}
	t.records.FillPercent, t.expiry.FillPercent = fillTimeOrdered, fillTimeOrdered
	return nil
}

// find returns the record that the database has under id, or nil.
func (t *txn) find(id store.ID) (*record, error) {
	b := t.records.Get(id[:])
	if b == nil {
		return nil, nil
	}
	r, err := decodeRecord(id, b)
	if err != nil {
		return nil, t.store.corrupt(id, err)
	}
	return &r, nil
}

// put writes a record in the place of old, which is nil when there is none,
// and brings both indexes in line.
func (t *txn) put(id store.ID, old *record, d draft, version uint64, expires, indexed int64) error {
	t.writes++
	if old == nil {
		old = &record{}
	}
	if err := t.moveExpiry(id, old.indexed, indexed); err != nil {
		return err
	}
	if err := t.moveOwner(id, old.owner, d.ownerBytes()); err != nil {
		return err
	}
	return t.records.Put(id[:], d.seal(id, version, expires, indexed))
}

// reindex puts a record under its expiry in the index, and changes nothing else.
func (t *txn) reindex(id store.ID, r *record) error {
	return t.put(id, r, newDraft(r.owner, r.data), r.version, r.expires, r.expires)
}

// remove deletes a record and its index entries. A damaged record is removed
// with the entries that its bytes still name.
func (t *txn) remove(id store.ID, r *record) error {
	t.writes++
	if err := t.moveExpiry(id, r.indexed, 0); err != nil {
		return err
	}
	if err := t.moveOwner(id, r.owner, nil); err != nil {
		return err
	}
	return t.records.Delete(id[:])
}

// nothing is the value of an index entry: nil would look like no entry until
// the transaction is committed.
var nothing = []byte{}

func (t *txn) moveExpiry(id store.ID, from, to int64) error {
	if from == to {
		return nil
	}
	if from != 0 {
		if err := t.expiry.Delete(expiryKey(from, id)); err != nil {
			return err
		}
	}
	if to == 0 {
		return nil
	}
	return t.expiry.Put(expiryKey(to, id), nothing)
}

func (t *txn) moveOwner(id store.ID, from, to []byte) error {
	if bytes.Equal(from, to) {
		return nil
	}
	if len(from) > 0 {
		if err := t.owners.Delete(ownerKey(from, id)); err != nil {
			return err
		}
	}
	if len(to) == 0 {
		return nil
	}
	return t.owners.Put(ownerKey(to, id), nothing)
}

// lazyIndex returns where a record that now expires at expires stands in the
// expiry index. An entry that is too early stays: the sweep moves it when it
// meets it, which spares most writes of a living session the index.
func lazyIndex(old *record, expires int64) int64 {
	if expires != 0 && old != nil && old.indexed != 0 && old.indexed <= expires {
		return old.indexed
	}
	return expires
}
