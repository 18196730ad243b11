package bolt

import (
	"bytes"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// txn is a transaction as changes see it: the store's buckets, and the only
// code that alters them. What it returns lives no longer than the transaction.
type txn struct {
	store   *Store
	records *bbolt.Bucket
	expiry  *bbolt.Bucket
	owners  *bbolt.Bucket
	now     int64
	writes  int        // how many writes were begun
	changed []store.ID // the records whose pending touch is settled by this transaction
}

// fillTimeOrdered is how full pages become that are filled from left to right,
// as happens where keys begin with a time.
const fillTimeOrdered = 0.95

// begin makes the records of tx ready for reading.
func (t *txn) begin(tx *bbolt.Tx) error {
	t.now = millis(time.Now())
	if t.records = tx.Bucket(t.store.buckets.records); t.records == nil {
		return t.store.corrupt(store.ID{}, errNoBucket)
	}
	return nil
}

// beginAll makes everything ready for reading and, if tx allows it, writing.
func (t *txn) beginAll(tx *bbolt.Tx) error {
	if err := t.begin(tx); err != nil {
		return err
	}
	t.expiry, t.owners = tx.Bucket(t.store.buckets.expiry), tx.Bucket(t.store.buckets.owners)
	if t.expiry == nil || t.owners == nil {
		return t.store.corrupt(store.ID{}, errNoBucket)
	}
	t.records.FillPercent, t.expiry.FillPercent = fillTimeOrdered, fillTimeOrdered
	return nil
}

// found is a record of the file together with its pending touch.
type found struct {
	record
	ends int64 // when it expires: by its touch, if one is pending
}

// find returns the record under id, or nil when there is none.
func (t *txn) find(id store.ID) (*found, error) {
	b := t.records.Get(id[:])
	if b == nil {
		return nil, nil
	}
	r, err := decodeRecord(id, b)
	if err != nil {
		return nil, t.store.corrupt(id, err)
	}
	return &found{r, t.store.touches.get(id).over(r)}, nil
}

// put writes a record in the place of old, which is nil when there is none,
// and brings both indexes in line.
func (t *txn) put(id store.ID, old *record, d draft, version uint64, expires, indexed int64) error {
	t.writes++
	t.changed = append(t.changed, id)
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

// rewrite gives a record another expiry and index entry, and nothing else.
func (t *txn) rewrite(id store.ID, r *record, expires, indexed int64) error {
	return t.put(id, r, newDraft(r.owner, r.data), r.version, expires, indexed)
}

// remove deletes a record and its index entries. A damaged record is removed
// with the entries that its bytes still name.
func (t *txn) remove(id store.ID, r *record) error {
	t.writes++
	t.changed = append(t.changed, id)
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

// dangling reports whether an entry of the owner index leads to no record of
// that owner. Damage leaves such entries, and the removal of a damaged record.
func (t *txn) dangling(key []byte) bool {
	if len(key) < lengthSize+idSize || t.owners.Get(key) == nil {
		return false
	}
	id := store.ID(key[len(key)-idSize:])
	r, err := t.find(id)
	return err == nil && (r == nil || !bytes.Equal(ownerKey(r.owner, id), key))
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
