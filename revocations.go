package gimlet

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// revocations are the sessions whose cookies must not be believed though they
// open: those that have ended, or that were given a new token, and of which
// some cookie can speak without its record. They are kept in memory, so that
// the check costs no I/O, and as records, so that they outlive the process;
// each until no such cookie can be alive.
type revocations struct {
	n    atomic.Int64
	mu   sync.RWMutex
	byID map[store.ID]revocation
}

type revocation struct {
	below uint32 // cookies with fewer renewals are dead
	until int64  // ms
}

// revokedForever is above every number of renewals.
const revokedForever = 1<<32 - 1

// blocks reports whether cookies of a session with so many renewals are dead.
func (r *revocations) blocks(id store.ID, renewals uint32, now int64) bool {
	if r.n.Load() == 0 {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.byID[id]
	return ok && renewals < v.below && now < v.until
}

// superseded reports whether the session goes on with a newer token.
func (r *revocations) superseded(id store.ID, renewals uint32) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.byID[id]
	return ok && renewals < v.below && v.below != revokedForever
}

// add remembers a revocation. One that says less than another changes nothing.
func (r *revocations) add(id store.ID, v revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[store.ID]revocation)
	}
	old := r.byID[id]
	r.byID[id] = old.and(v)
	r.n.Store(int64(len(r.byID)))
}

func (v revocation) and(w revocation) revocation {
	return revocation{max(v.below, w.below), max(v.until, w.until)}
}

// forget drops the revocations that no live cookie can need.
func (r *revocations) forget(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, v := range r.byID {
		if now >= v.until {
			delete(r.byID, id)
		}
	}
	r.n.Store(int64(len(r.byID)))
}

const revocationFormat = 1

func (v revocation) record(id store.ID, version uint64) store.Record {
	data := append([]byte{revocationFormat}, id[:]...)
	return store.Record{
		ID:      reservedID("", "revocation "+string(id[:])),
		Version: version,
		Expires: time.UnixMilli(v.until),
		Owner:   revocationOwner,
		Data:    binary.AppendUvarint(data, uint64(v.below)),
	}
}

func readRevocation(rec store.Record) (store.ID, revocation, error) {
	r := reader{b: rec.Data}
	var id store.ID
	format := r.byte()
	r.into(id[:])
	below := r.uvarint()
	if format != revocationFormat || below > revokedForever {
		r.bad = true
	}
	return id, revocation{uint32(below), rec.Expires.UnixMilli()}, r.end()
}

// revoke makes the cookies of a session dead that have fewer renewals than
// below, in this process at once, and durably before it returns. It is kept for
// longer than these can be alive: a clock that is ahead for a while, and then set
// back, must not bring them back.
func (m *Manager) revoke(ctx context.Context, id store.ID, below uint32, until int64) error {
	v := revocation{below, until + maxSkew.Milliseconds()}
	m.revoked.add(id, v)
	for version := uint64(1); ; {
		err := m.base.Save(ctx, v.record(id, version))
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return writeError("revoke the session", err)
		}
		old, err := m.base.Load(ctx, v.record(id, 1).ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			version = 1
			continue
		case err != nil:
			return storeError("revoke the session", err)
		}
		version = old.Version + 1
		if _, w, err := readRevocation(old); err == nil {
			if v = v.and(w); v == w {
				return nil
			}
		}
	}
}

// loadRevocations loads what other managers on the store, and this one before a
// restart, have revoked.
func (m *Manager) loadRevocations(ctx context.Context) error {
	for rec, err := range m.base.List(ctx, revocationOwner) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return storeError("load the revocations", err)
		}
		var id store.ID
		var v revocation
		if err == nil {
			id, v, err = readRevocation(rec)
		}
		if err != nil {
			// It costs this one, not the program. Once is enough to say so.
			if m.warned.Swap(true) {
				continue
			}
			m.log(ctx, slog.LevelError, "a revocation record is unreadable: cookies of one ended session may show their client-side values again", nil, slog.Any("error", err))
			m.emit(ctx, Event{Kind: EventCorrupt, Err: err})
			continue
		}
		m.revoked.add(id, v)
	}
	return nil
}
