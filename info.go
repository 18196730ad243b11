package gimlet

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// An Info describes a session to a program that lists them, for a page of a
// user's devices say. It opens nothing: the ID is not a token.
type Info struct {
	ID         store.ID
	Owner      string
	Created    time.Time
	LoggedIn   time.Time // last Login; zero without an owner
	LastSeen   time.Time // see Session.LastSeen
	Expires    time.Time
	Persistent bool // its cookie outlives the browser's closing

	m      *Manager
	values frame
}

// Get returns a permanent server-side value of the session, nil when there is
// none, as [Session.Get] does. Store there what the page is to show: the
// browser's name, the address.
func (i Info) Get(key string) any {
	enc, ok := i.values.get(key)
	if !ok || hidden(key) {
		return nil
	}
	v, err := decodeAny(i.m.cfg.codec, enc)
	if err != nil {
		i.m.stats.corrupt.Add(1)
		i.m.log(context.Background(), slog.LevelWarn, "session value unreadable, treated as absent", nil,
			slog.String("session", i.ID.String()), slog.String("key", key), slog.Any("error", err))
		return nil
	}
	return v
}

// All yields the permanent server-side values of the session, by key.
func (i Info) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for key := range i.values.all() {
			if v := i.Get(key); v != nil && !yield(key, v) {
				return
			}
		}
	}
}

// info describes a record; ok is false if it is not of a live session.
func (m *Manager) info(rec store.Record) (info Info, ok bool, err error) {
	var st state
	if err := st.readRecord(rec); err != nil {
		return Info{ID: rec.ID}, true, storeError("list the sessions", errors.Join(store.ErrCorrupt, err))
	}
	if st.generation != m.generation.Load() || m.now() >= st.ends {
		return Info{}, false, nil
	}
	info = Info{
		ID:         rec.ID,
		Owner:      rec.Owner,
		Created:    time.UnixMilli(st.created),
		LastSeen:   time.UnixMilli(st.lastSeen()),
		Expires:    time.UnixMilli(st.expires),
		Persistent: !st.has(flagBrowser),
		m:          m,
		values:     st.values[serverPermanent],
	}
	if st.owner != "" {
		info.LoggedIn = time.UnixMilli(st.started)
	}
	return info, true, nil
}

// Sessions yields the live sessions of an owner, in no particular order, or
// all that have a record when owner is "" ([Session.SetStored] gives one a
// record). A session whose record cannot be read is yielded with only its ID
// and an error, and the listing goes on; any other error ends it. The loop may
// call any method.
func (m *Manager) Sessions(ctx context.Context, owner string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if reservedOwner(owner) {
			return
		}
		for rec, err := range m.store.List(ctx, owner) {
			if rec.ID.Reserved() && rec.ID != (store.ID{}) {
				continue
			}
			if err != nil {
				if !yield(Info{ID: rec.ID}, storeError("list the sessions", err)) {
					return
				}
				continue
			}
			info, ok, err := m.info(rec)
			if !ok {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
