package gimlet

import (
	"context"
	"errors"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// loadRecord loads a session's record. The data is shared with the cache and
// must not be changed. Quick saves that are under way are waited for, so that
// a read sees them.
func (m *Manager) loadRecord(ctx context.Context, id store.ID) (store.Record, error) {
	m.stats.loads.Add(1)
	if err := m.quick.wait(ctx, id); err != nil {
		return store.Record{}, err
	}
	if m.cache != nil {
		return m.cache.View(ctx, id)
	}
	return m.store.Load(ctx, id)
}

// saveRecord saves a session's record, which belongs to the cache afterwards.
func (m *Manager) saveRecord(ctx context.Context, r store.Record) error {
	m.stats.saves.Add(1)
	if m.cache != nil {
		return m.cache.SaveShared(ctx, r)
	}
	return m.store.Save(ctx, r)
}

func (m *Manager) touchRecord(ctx context.Context, id store.ID, expires int64) error {
	m.stats.touches.Add(1)
	return m.store.Touch(ctx, id, time.UnixMilli(expires))
}

func (m *Manager) deleteRecord(ctx context.Context, id store.ID) error {
	m.stats.deletes.Add(1)
	if err := m.store.Delete(ctx, id); err != nil {
		return storeError("delete the session", err)
	}
	return nil
}

// end ends a session everywhere. If a cookie can speak without the record, that
// is put right first, so that a crash in between leaves nothing alive. That no
// cookie can is only known of the version that was read: another request may
// be giving the session its first client-side value.
func (m *Manager) end(ctx context.Context, id store.ID, known *state, reason Reason, peer string) error {
	st := *known
	ended := false
	if !st.has(flagStored) { // another request may have given it a record
		newest, gone, err := m.newest(ctx, id, &st)
		if err != nil {
			return err
		}
		if !gone {
			newest.ends = max(newest.ends, st.ends)
			newest.set(flagStored|flagCarried, true)
			st = newest
		}
	}
	for !ended && st.has(flagStored) && !st.has(flagCarried) {
		gone, changed, err := m.expireRecord(ctx, id, st.version)
		if err != nil {
			return err
		}
		if ended = gone || !changed; ended {
			break
		}
		if st, ended, err = m.newest(ctx, id, &st); err != nil {
			return err
		}
	}
	if !ended {
		if err := m.revoke(ctx, id, revokedForever, st.ends); err != nil {
			return err
		}
		if st.has(flagStored) {
			if err := m.deleteRecord(ctx, id); err != nil {
				return err
			}
		}
	}
	m.stats.ended.Add(1)
	m.watches.end(id)
	m.emit(ctx, Event{Kind: EventEnded, Reason: reason, ID: id, Owner: st.owner, Peer: peer})
	return nil
}

// newest loads what another request has made of a session that is to end. Of
// what cannot be read it is assumed that some cookie can speak without it.
func (m *Manager) newest(ctx context.Context, id store.ID, known *state) (st state, gone bool, err error) {
	rec, err := m.loadRecord(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return *known, true, nil
	case err != nil && !errors.Is(err, store.ErrCorrupt):
		return *known, false, storeError("load the session", err)
	case err != nil || st.readRecord(rec) != nil:
		st = *known
		st.set(flagCarried, true)
	}
	st.set(flagStored, true)
	return st, false, nil
}

// expireRecord deletes a record if it still has the version: it saves one that
// has expired, which exists for nobody, and which the next sweep removes.
func (m *Manager) expireRecord(ctx context.Context, id store.ID, version uint64) (gone, changed bool, err error) {
	m.stats.deletes.Add(1)
	err = m.store.Save(ctx, store.Record{ID: id, Version: version + 1, Expires: time.UnixMilli(1)})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, false, nil
	case errors.Is(err, store.ErrConflict):
		return false, true, nil
	case err != nil:
		return false, false, storeError("delete the session", err)
	}
	return false, false, nil
}

// Sweep removes the records of expired sessions from the store and returns
// their number. It also runs by itself, every few minutes.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	total := 0
	now := time.Now()
	var damage error
	for {
		m.stats.sweeps.Add(1)
		n, err := m.store.Sweep(ctx, now, sweepBatch)
		total += n
		m.stats.swept.Add(uint64(n))
		switch {
		case errors.Is(err, store.ErrCorrupt):
			damage = storeError("sweep", err) // the rest goes on
		case err != nil:
			return total, storeError("sweep", err)
		}
		if n < sweepBatch {
			return total, damage
		}
	}
}

// sweepBatch is how many records a sweep removes at a time, so that nobody
// waits long behind it.
const sweepBatch = 500

// A meter counts the calls that reach the store that New was given.
type meter struct {
	store.Store
	counts meterCounts
}

func (s *meter) Load(ctx context.Context, id store.ID) (store.Record, error) {
	s.counts.loads.Add(1)
	r, err := s.Store.Load(ctx, id)
	return r, s.counted(err)
}

func (s *meter) Save(ctx context.Context, r store.Record) error {
	s.counts.saves.Add(1)
	return s.counted(s.Store.Save(ctx, r))
}

func (s *meter) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	s.counts.touches.Add(1)
	return s.counted(s.Store.Touch(ctx, id, expires))
}

func (s *meter) Delete(ctx context.Context, id store.ID) error {
	s.counts.deletes.Add(1)
	return s.counted(s.Store.Delete(ctx, id))
}

func (s *meter) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	s.counts.sweeps.Add(1)
	n, err := s.Store.Sweep(ctx, now, limit)
	return n, s.counted(err)
}

// counted counts the errors that mean that the store failed.
func (s *meter) counted(err error) error {
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		s.counts.errors.Add(1)
	}
	return err
}
