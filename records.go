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
		return writeError("delete the session", err)
	}
	return nil
}

// Sweep removes the records of expired sessions from the store and returns
// their number. It also runs by itself, every few minutes.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	total := 0
	now := time.Now()
	var problem error
	for {
		m.stats.sweeps.Add(1)
		n, err := m.store.Sweep(ctx, now, sweepBatch)
		total += n
		m.stats.swept.Add(uint64(n))
		switch {
		case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrFull) && n > 0:
			problem = storeError("sweep", err) // the rest goes on
		case err != nil:
			return total, storeError("sweep", err)
		}
		if n < sweepBatch {
			return total, problem
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
