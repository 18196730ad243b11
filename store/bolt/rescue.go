package bolt

import (
	"errors"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// rescueBytes bounds what one transaction of a rescue writes.
const rescueBytes = 8 << 20

// A rescue fills a new file with what a survey has found.
type rescue struct {
	*survey
	into    *Store // the new file: only its database is in use
	named   map[store.ID]int64
	batch   []move
	size    int
	rescued int
	dropped int
}

// An emptyError says why nothing is rescued. Otherwise somebody who has signed out
// could be back.
type emptyError struct{ err error }

func (e *emptyError) Error() string { return e.err.Error() }
func (e *emptyError) Unwrap() error { return e.err }

var errReserved = &emptyError{errors.New("records under reserved IDs may be lost: they say who has signed out")}

// rescue makes a new file at temp, and brings into it what may be rescued of this one.
func (o *opening) rescue(temp string, found *survey) (report Salvage, err error) {
	r := &rescue{survey: found}
	err = o.fill(temp, r)
	var empty *emptyError
	if errors.As(err, &empty) {
		r.rescued, report.Empty = 0, empty.err
		_ = os.Remove(temp)
		err = build(temp, o.names)
	}
	report.Rescued, report.Dropped, report.Lost = r.rescued, r.dropped, r.lost
	return report, err
}

func (o *opening) fill(temp string, r *rescue) error {
	if r.err != nil {
		return &emptyError{r.err}
	}
	_ = os.Remove(temp) // left by a crash, or not there
	if err := build(temp, o.names); err != nil {
		return err
	}
	db, err := bbolt.Open(temp, fileMode, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: bbolt.FreelistMapType,
		NoSync:       true, // until all is there
		NoStatistics: true,
	})
	if err != nil {
		return err
	}
	r.into = newStore(o.path, nil)
	r.into.db, r.into.real, r.into.buckets, r.into.owned = db, o.real, o.names, true
	err, _ = protect(func() error {
		if err := r.run(); err != nil {
			return err
		}
		if err := o.carryOn(r); err != nil {
			return err
		}
		return db.Sync()
	})
	return errors.Join(err, db.Close())
}

// run brings the records into the new file.
func (r *rescue) run() error {
	if !r.intact {
		return errReserved
	}
	if !r.whole {
		r.named = r.index()
	}
	for _, l := range r.records {
		before := r.dropped
		if err := r.leaf(l, r.whole || r.listed); err != nil {
			return err
		}
		if r.dropped > before && mayBeReserved(l.keys.low) {
			return errReserved // what the ID of a damaged record was cannot be known
		}
	}
	for _, l := range r.strays {
		if err := r.leaf(l, false); err != nil {
			return err
		}
	}
	return r.flush()
}

// leaf takes the records of a leaf. Those of one that is not sure must be in the index.
func (r *rescue) leaf(l leaf, sure bool) error {
	var full error
	err := r.each(l, func(key, value []byte) error {
		if len(key) != idSize {
			r.dropped++
			return nil
		}
		id := store.ID(key)
		rec, err := decodeRecord(id, value)
		if err != nil || !sure && (rec.indexed == 0 || r.named[id] != rec.indexed) {
			r.dropped++
			return nil
		}
		full = r.take(id, rec)
		return full
	})
	if err != nil && full == nil {
		r.dropped++ // those that could not be read
	}
	return full
}

func (r *rescue) take(id store.ID, rec record) error {
	d := newDraft(rec.owner, rec.data)
	r.batch = append(r.batch, move{id, newState(rec.version, rec.expires, d)})
	if r.size += len(d.buf); r.size < rescueBytes {
		return nil
	}
	return r.flush()
}

// flush writes what was taken, in the newest version of each record.
func (r *rescue) flush() error {
	list := r.batch
	r.batch, r.size = nil, 0
	return r.into.update(func(t *txn) error {
		for _, m := range list {
			old, err := t.find(m.id)
			if err != nil {
				return err
			}
			if old != nil && old.version >= m.state.version {
				continue
			}
			if old == nil {
				r.rescued++
			}
			if err := t.put(m.id, old, m.state.draft, m.state.version, m.state.expires, m.state.expires); err != nil {
				return err
			}
		}
		return nil
	})
}

// carryOn moves what the journal has into the new file. Without all of it nobody knows
// what has become of the records.
func (o *opening) carryOn(r *rescue) error {
	at, err := r.mark()
	if err != nil {
		return &emptyError{err}
	}
	f, err := openJournal(o.real + journalSuffix)
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	switch {
	case at != nil:
		err = r.into.replay(f, *at)
	case o.stale && hasFrames(f):
		err = &CorruptError{Path: o.path, Err: errStale}
	}
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return &emptyError{err}
	}
	return err
}
