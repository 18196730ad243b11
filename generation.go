package gimlet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gimlet-go/gimlet/store"
)

// RevokeAll ends every session of this manager, wherever it is used and
// whatever their number: sessions carry the number of the generation in which
// they began, and this one ends. The records go when they expire. A Login that
// is under way begins a new session.
func (m *Manager) RevokeAll(ctx context.Context) error {
	id := reservedID(m.cfg.name, "generation")
	for {
		rec, err := m.base.Load(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return storeError("revoke all sessions", err)
		}
		current, err := readGeneration(rec)
		if err != nil {
			return err
		}
		// Not only one more: after a backup was restored the number must not be
		// one that cookies from after the backup have.
		next := max(current+1, m.generation.Load()+1, uint64(m.now()))
		data := binary.AppendUvarint([]byte{generationFormat}, next)
		err = m.base.Save(ctx, store.Record{ID: id, Version: rec.Version + 1, Data: data})
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return writeError("revoke all sessions", err)
		}
		m.advance(next)
		m.emit(ctx, Event{Kind: EventRevokedAll})
		return nil
	}
}

const generationFormat = 1

func readGeneration(rec store.Record) (uint64, error) {
	if rec.Version == 0 {
		return 0, nil
	}
	r := reader{b: rec.Data}
	format := r.byte()
	generation := r.uvarint()
	if err := r.end(); err != nil || format != generationFormat {
		return 0, fmt.Errorf("gimlet: the generation record: %w", store.ErrCorrupt)
	}
	return generation, nil
}

// loadGeneration learns of a RevokeAll of another process.
func (m *Manager) loadGeneration(ctx context.Context) error {
	rec, err := m.base.Load(ctx, reservedID(m.cfg.name, "generation"))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	generation, err := readGeneration(rec)
	if err != nil {
		return err
	}
	m.advance(generation)
	return nil
}

// advance moves to a generation. It never goes back.
func (m *Manager) advance(generation uint64) {
	for {
		current := m.generation.Load()
		if generation <= current {
			return
		}
		if m.generation.CompareAndSwap(current, generation) {
			m.watches.endAll()
			return
		}
	}
}
