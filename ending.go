package gimlet

import (
	"context"
	"errors"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Ending a session first makes worthless the cookies that can speak without its
// record, so that a crash in between leaves nothing alive. That none can is only
// known of the version that was read: another request may be giving the session
// its first client-side value, or moving it into its cookie. So a record goes
// if it still has that version, and otherwise what has become of it is looked at.

// endByID ends a session everywhere, whatever has become of it.
func (m *Manager) endByID(ctx context.Context, id store.ID, reason Reason) error {
	st, gone, err := m.newest(ctx, id)
	for err == nil && !gone && !st.has(flagCarried) {
		changed := false
		if gone, changed, err = m.expireRecord(ctx, id, st.version); err != nil {
			return err
		}
		if !gone && !changed {
			m.tellEnd(ctx, id, st.owner, reason, "")
			return nil
		}
		st, gone, err = m.newest(ctx, id)
	}
	unreadable := errors.Is(err, store.ErrCorrupt)
	if err != nil && !unreadable {
		return err
	}
	if gone || unreadable { // it may live in cookies alone
		st.ends = m.now() + maxLifetime.Milliseconds()
	}
	if err := m.revoke(ctx, id, revokedForever, st.ends); err != nil {
		return err
	}
	if err := m.deleteRecord(ctx, id); err != nil {
		return err
	}
	m.tellEnd(ctx, id, st.owner, reason, "")
	return nil
}

// end ends the session that the handle's token names, also as other requests
// have changed it meanwhile, but not that of a Login that has overtaken this
// request.
func (s *Session) end(ctx context.Context, reason Reason) (overtaken bool, err error) {
	st := s.state
	if !st.has(flagStored) {
		st.set(flagCarried, true)
	}
	if !s.loaded || !st.has(flagStored) {
		overtaken, err = s.follow(ctx, &st, s.opens)
	}
	for err == nil && !overtaken && st.has(flagStored) {
		overtaken, err = s.endRecord(ctx, &st)
	}
	if err != nil || overtaken {
		return overtaken, err
	}
	if st.has(flagCarried) {
		if err := s.m.revoke(ctx, s.token.id, revokedForever, st.ends); err != nil {
			return false, err
		}
	}
	s.m.tellEnd(ctx, s.token.id, st.owner, reason, s.peer())
	return false, nil
}

// endRecord deletes the record if it has the version of st, and says in st what
// is left to end. Until it is gone, cookies of a Login that may have overtaken
// this request stay good.
func (s *Session) endRecord(ctx context.Context, st *state) (overtaken bool, err error) {
	m, id := s.m, s.token.id
	if st.has(flagCarried) {
		if err := m.revoke(ctx, id, st.renewals+1, st.ends); err != nil {
			return false, err
		}
	}
	gone, changed, err := m.expireRecord(ctx, id, st.version)
	switch {
	case err != nil:
		return false, err
	case changed:
		known := *st
		return s.follow(ctx, st, known.sameLogin)
	case gone && m.cfg.cookieOnly > 0: // it may have moved into its cookie
		st.set(flagCarried, true)
		st.ends = m.now() + maxLifetime.Milliseconds()
	}
	st.set(flagStored, false)
	return false, nil
}

// opens reports whether the token opens a record.
func (s *Session) opens(st *state) bool {
	d := s.token.secret.digest()
	return st.hash.equal(d) || st.has(flagPrevious) && s.m.inGrace(st.prev.until, s.m.now()) && st.prev.hash.equal(d)
}

// follow brings st up to date with the record, if that is still of the session.
func (s *Session) follow(ctx context.Context, st *state, same func(*state) bool) (overtaken bool, err error) {
	newest, gone, err := s.m.newest(ctx, s.token.id)
	switch {
	case errors.Is(err, store.ErrCorrupt): // which opens for nobody
		st.set(flagStored, false)
		st.set(flagCarried, true)
		return false, s.m.deleteRecord(ctx, s.token.id)
	case err != nil:
		return false, err
	case gone:
		st.set(flagStored, false)
		return false, nil
	case !same(&newest):
		return true, nil
	}
	newest.ends = max(newest.ends, st.ends)
	newest.set(flagStored, true)
	newest.set(flagCarried, newest.has(flagCarried) || st.has(flagCarried))
	*st = newest
	return false, nil
}

// sameLogin reports whether next, of the same record, is of the same Login, or
// from before any: a token may have been renewed in between.
func (s *state) sameLogin(next *state) bool {
	return next.started == s.started && next.owner == s.owner
}

// newest loads a session that is to end.
func (m *Manager) newest(ctx context.Context, id store.ID) (st state, gone bool, err error) {
	rec, err := m.loadRecord(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return st, true, nil
	case err == nil && st.readRecord(rec) != nil:
		err = store.ErrCorrupt
	}
	if err != nil {
		return state{}, false, storeError("load the session", err)
	}
	return st, false, nil
}

func (m *Manager) tellEnd(ctx context.Context, id store.ID, owner string, reason Reason, peer string) {
	m.stats.ended.Add(1)
	m.watches.end(id)
	m.emit(ctx, Event{Kind: EventEnded, Reason: reason, ID: id, Owner: owner, Peer: peer})
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
		return false, false, writeError("delete the session", err)
	}
	return false, false, nil
}
