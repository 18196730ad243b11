package peer

import (
	"net/http"
	"path/filepath"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// SCSMemory is scs with its own store in memory, the default.
var SCSMemory = scsMemory("scs, memory", "v2.9.0, memstore, no idle timeout (the default).", 0)

// SCSMemoryIdle has an idle timeout, with which scs saves on every request.
var SCSMemoryIdle = scsMemory("scs, memory, idle timeout", "v2.9.0, memstore, IdleTimeout 24 hours.", 24*time.Hour)

func scsMemory(name, about string, idle time.Duration) Peer {
	return Peer{
		Name:  name,
		About: about,
		Open: func(string) (*Server, error) {
			// Its clean-up, which has nothing to do here, cannot be stopped
			// without a data race.
			return scsServer(memstore.NewWithCleanupInterval(0), idle), nil
		},
	}
}

// SCSBolt is scs with sessions in a bbolt file.
var SCSBolt = scsOnBolt("scs, bbolt",
	"v2.9.0, no idle timeout (the default); the store is an adapter of this module that makes the calls of scs's boltstore: View for Find, Update for Commit and Delete; bbolt with default options.", 0)

// SCSBoltIdle has an idle timeout as well.
var SCSBoltIdle = scsOnBolt("scs, bbolt, idle timeout", "As scs, bbolt, with IdleTimeout 24 hours.", 24*time.Hour)

func scsOnBolt(name, about string, idle time.Duration) Peer {
	return Peer{
		Name:   name,
		About:  about,
		Synced: true,
		Kept:   true,
		Open: func(dir string) (*Server, error) {
			store, err := openSCSBolt(filepath.Join(dir, "scs.db"))
			if err != nil {
				return nil, err
			}
			s := scsServer(store, idle)
			s.close, s.Expire = store.close, store.deleteExpired
			s.Hurry = func(on bool) { store.db.NoSync = on }
			return s, nil
		},
	}
}

func scsServer(store scs.Store, idle time.Duration) *Server {
	sessions := scs.New()
	sessions.Store = store
	sessions.IdleTimeout = idle
	sessions.Lifetime = 7 * 24 * time.Hour
	return &Server{Handler: sessions.LoadAndSave(handler{scsPages{sessions}})}
}

type scsPages struct{ *scs.SessionManager }

func (p scsPages) create(_ http.ResponseWriter, r *http.Request, v site.Values) error {
	ctx := r.Context()
	p.Put(ctx, site.UserKey, v.User)
	p.Put(ctx, site.NameKey, v.Name)
	p.Put(ctx, site.EmailKey, v.Email)
	p.Put(ctx, site.VisitsKey, v.Visits)
	p.Put(ctx, site.NoteKey, v.Note)
	return nil
}

func (p scsPages) limit(r *http.Request, life time.Duration) {
	p.SetDeadline(r.Context(), time.Now().Add(life))
}

func (p scsPages) read(_ http.ResponseWriter, r *http.Request) (string, int, bool) {
	name, ok := p.Get(r.Context(), site.NameKey).(string)
	return name, p.GetInt(r.Context(), site.VisitsKey), ok
}

func (p scsPages) write(_ http.ResponseWriter, r *http.Request) (int, bool) {
	visits, ok := p.Get(r.Context(), site.VisitsKey).(int)
	if ok {
		p.Put(r.Context(), site.VisitsKey, visits+1)
	}
	return visits + 1, ok
}

func (p scsPages) createSmall(_ http.ResponseWriter, r *http.Request) error {
	p.Put(r.Context(), site.LanguageKey, site.Language)
	return nil
}

func (p scsPages) readSmall(_ http.ResponseWriter, r *http.Request) (string, bool) {
	language, ok := p.Get(r.Context(), site.LanguageKey).(string)
	return language, ok
}
