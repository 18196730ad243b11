package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// sweepVisits bounds how many records one transaction of Sweep looks at, so
// that it does not hold up the changes that share it. Removing one takes some
// tens of microseconds.
const sweepVisits = 128

// Sweep implements [store.Store]. It works in small transactions, which it
// shares with other changes; when ctx ends between two of them it returns how
// many records are gone beside the error.
//
// A damaged record is left alone, since nobody knows when it expires. Sweep
// goes on without it, and reports the first one when it is through.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	var removed int
	var from []byte
	var damage error
	for more := true; more && removed < limit; {
		c := &sweepChange{now: millis(now), limit: limit - removed, from: from}
		if err := s.submit(ctx, &request{change: c}); err != nil {
			return removed, err
		}
		s.stats.swept.Add(uint64(c.removed))
		removed += c.removed
		if damage == nil {
			damage = c.damage
		}
		from, more = c.next, c.more
	}
	return removed, damage
}

// sweepChange is the part of a sweep that one transaction does.
type sweepChange struct {
	now   int64
	limit int
	from  []byte // the key of the expiry index to begin at

	// The result:
	removed int
	damage  error  // the first damaged record
	more    bool   // whether something is left to visit
	next    []byte // where it begins
}

func (c *sweepChange) key() store.ID { return store.ID{} }
func (c *sweepChange) size() int     { return 0 }

func (c *sweepChange) apply(t *txn) error {
	c.removed, c.damage, c.more, c.next = 0, nil, false, c.from
	if err := c.sweepTouched(t); err != nil || c.more {
		return err
	}
	keys := c.dueKeys(t)
	for _, k := range keys {
		c.next = k
		if c.removed == c.limit {
			c.more = true
			return nil
		}
		if err := c.visit(t, k); err != nil {
			return err
		}
	}
	if len(keys) == sweepVisits {
		// Not the same key again: that of a damaged record is still there.
		c.more, c.next = true, append(c.next, 0)
	}
	return nil
}

// sweepTouched removes the records that have expired by a pending touch. Their
// index entries may lie in the future.
func (c *sweepChange) sweepTouched(t *txn) error {
	ids := t.store.touches.some(sweepVisits, func(p *touch) bool { return expired(p.expires, c.now) })
	for _, id := range ids {
		if c.removed == c.limit {
			c.more = true
			return nil
		}
		r, err := t.find(id)
		if err != nil || r == nil || !expired(r.ends, c.now) {
			t.changed = append(t.changed, id) // nothing that the touch was meant for is left
			continue
		}
		if err := t.remove(id, &r.record); err != nil {
			return err
		}
		c.removed++
	}
	c.more = len(ids) == sweepVisits
	return nil
}

// dueKeys returns the first index entries from c.from on whose time has come.
func (c *sweepChange) dueKeys(t *txn) [][]byte {
	end := binary.BigEndian.AppendUint64(nil, uint64(c.now)+1)
	var keys [][]byte
	cursor := t.expiry.Cursor()
	for k, _ := cursor.Seek(c.from); k != nil && bytes.Compare(k, end) < 0 && len(keys) < sweepVisits; k, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// visit removes the record of an index entry if it has expired, and otherwise
// puts the entry where it belongs.
func (c *sweepChange) visit(t *txn, k []byte) error {
	ms, id, ok := parseExpiryKey(k)
	var r *found
	if ok {
		var err error
		if r, err = t.find(id); err != nil {
			if c.damage == nil {
				c.damage = err
			}
			return nil
		}
	}
	switch {
	case r == nil || r.indexed != ms:
		t.writes++
		return t.expiry.Delete(k)
	case expired(r.ends, c.now):
		c.removed++
		return t.remove(id, &r.record)
	default:
		return t.rewrite(id, &r.record, r.ends, r.ends)
	}
}
