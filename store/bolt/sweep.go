package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// How many records one transaction of Sweep looks at is bounded, so that it does not
// hold up what else must be written: removing one takes some tens of microseconds.
// Without a journal saves have to wait for that.
const (
	maxVisits          = 512
	maxVisitsNoJournal = 128
)

func (s *Store) sweepVisits() int {
	if s.journal == nil {
		return maxVisitsNoJournal
	}
	return maxVisits
}

// Sweep implements [store.Store]. It works in small transactions; when ctx ends
// between two of them it returns how many records are gone beside the error.
//
// A damaged record is left alone, since nobody knows when it expires. Sweep
// goes on without it, and reports the first one when it is through. So it is with
// what cannot be moved from the journal because the disk is full: to sweep the rest
// makes room.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	w := sweep{store: s, now: millis(now), limit: limit}
	var full error
	if limit > 0 && s.overlay.anyExpired(w.now) {
		if err := s.moveEverything(ctx); err != nil {
			if full = s.describe("sweep", err); !errors.Is(full, store.ErrFull) {
				return 0, full
			}
		}
	}
	for more := true; more && w.removed < limit; {
		// A copy: when ctx ends the job may still be at work.
		part := &partOfSweep{sweep: w}
		if err := s.submitTo(ctx, s.work, &request{job: part.run}); err != nil {
			return w.removed, err
		}
		w, more = part.sweep, part.more
	}
	return w.removed, errors.Join(full, w.damage)
}

// moveEverything brings into the database what is only in memory and in the
// journal.
func (s *Store) moveEverything(ctx context.Context) error {
	err := s.submit(ctx, &request{job: s.flushTouches})
	if err == nil && s.journal != nil {
		err = s.submitTo(ctx, s.work, &request{job: s.moveAll})
	}
	return err
}

// A sweep goes through the expiry index, one transaction after the other.
type sweep struct {
	store   *Store
	now     int64
	limit   int
	from    []byte // the key of the expiry index to go on at
	removed int
	damage  error // the first damaged record
}

// partOfSweep is what fits into one transaction.
type partOfSweep struct {
	sweep
	more bool // whether something is left to visit
}

func (p *partOfSweep) run() error {
	before := p.sweep
	err := p.store.update(func(t *txn) error {
		p.sweep, p.more = before, false
		return p.visitDue(t)
	})
	if err != nil {
		return p.store.describe("sweep", err)
	}
	if n := uint64(p.removed - before.removed); n > 0 {
		p.store.stats.swept.Add(n)
		p.store.stats.commits.Add(1)
	}
	return nil
}

func (p *partOfSweep) visitDue(t *txn) error {
	keys := p.dueKeys(t)
	for _, k := range keys {
		if p.from = k; p.removed == p.limit {
			p.more = true
			return nil
		}
		if err := p.visit(t, k); err != nil {
			return err
		}
	}
	if len(keys) == p.store.sweepVisits() {
		// Not the same key again: that of a damaged record is still there.
		p.more, p.from = true, append(p.from, 0)
	}
	return nil
}

// dueKeys returns the first index entries whose time has come.
func (w *sweep) dueKeys(t *txn) [][]byte {
	end := binary.BigEndian.AppendUint64(nil, uint64(w.now)+1)
	most := w.store.sweepVisits()
	var keys [][]byte
	cursor := t.expiry.Cursor()
	for k, _ := cursor.Seek(w.from); k != nil && bytes.Compare(k, end) < 0 && len(keys) < most; k, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// visit removes the record of an index entry if it has expired, and otherwise
// puts the entry where it belongs.
func (w *sweep) visit(t *txn, k []byte) error {
	ms, id, ok := parseExpiryKey(k)
	var r *record
	if ok {
		if !w.store.overlay.fixed(id) {
			return nil // there is a newer state: a later sweep meets it
		}
		var err error
		if r, err = t.find(id); err != nil {
			if w.damage == nil {
				w.damage = err
			}
			return nil
		}
	}
	switch {
	case r == nil || r.indexed != ms:
		t.writes++
		return t.expiry.Delete(k)
	case expired(r.expires, w.now):
		w.removed++
		return t.remove(id, r)
	default:
		return t.reindex(id, r)
	}
}
