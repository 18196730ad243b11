package peer

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// Gimlet is what the goals are about: the library as it is opened without
// options.
var Gimlet = gimletPeer("Gimlet", "All defaults: idle timeout 24 hours, cache 32 MiB.", nil)

// The variants of Gimlet. To add one, add a line, and put it into [Gimlets] if
// the tables of durable writes are to show it.
var (
	GimletNoIdle     = gimletPeer("Gimlet, no idle timeout", "WithIdleTimeout(0).", nil, gimlet.WithIdleTimeout(0))
	GimletNoCache    = gimletPeer("Gimlet, no cache", "WithCache(0).", nil, gimlet.WithCache(0))
	GimletCookieOnly = cookieOnly(gimletPeer("Gimlet, cookie-only", "WithCookieOnly(4096): sessions that fit live in the sealed cookie.", nil, gimlet.WithCookieOnly(4096)))
)

// Gimlets are the variants that are measured wherever writes are durable.
var Gimlets = []Peer{Gimlet}

func gimletPeer(name, about string, storeOptions []bolt.Option, options ...gimlet.Option) Peer {
	return Peer{
		Name:   name,
		About:  about,
		Synced: true,
		Kept:   true,
		Open: func(dir string) (*Server, error) {
			m, err := gimlet.New(bolt.Open(filepath.Join(dir, "sessions.db"), storeOptions...), options...)
			if err != nil {
				return nil, fmt.Errorf("peer: %s: %w", name, err)
			}
			expire := func() error { _, err := m.Sweep(context.Background()); return err }
			return &Server{Handler: m.Handler(handler{gimletPages{}}), Manager: m, Expire: expire, close: m.Close}, nil
		},
	}
}

func cookieOnly(p Peer) Peer {
	p.CookieState = true
	return p
}

type gimletPages struct{}

func (gimletPages) create(_ http.ResponseWriter, r *http.Request, v site.Values) error {
	s := gimlet.From(r)
	s.Set(site.UserKey, v.User)
	s.Set(site.NameKey, v.Name)
	s.Set(site.EmailKey, v.Email)
	s.Set(site.VisitsKey, v.Visits)
	s.Set(site.NoteKey, v.Note)
	return s.Err()
}

func (gimletPages) limit(r *http.Request, life time.Duration) { gimlet.From(r).SetLifetime(life) }

func (gimletPages) read(_ http.ResponseWriter, r *http.Request) (string, int, bool) {
	s := gimlet.From(r)
	name, ok := s.Get(site.NameKey).(string)
	visits, _ := s.Get(site.VisitsKey).(int)
	return name, visits, ok
}

func (gimletPages) write(_ http.ResponseWriter, r *http.Request) (int, bool) {
	s := gimlet.From(r)
	visits, ok := s.Get(site.VisitsKey).(int)
	if !ok {
		return 0, false
	}
	s.Set(site.VisitsKey, visits+1)
	return visits + 1, true
}

func (gimletPages) createSmall(_ http.ResponseWriter, r *http.Request) error {
	s := gimlet.From(r)
	s.Set(site.LanguageKey, site.Language, gimlet.ClientSide)
	return s.Err()
}

func (gimletPages) readSmall(_ http.ResponseWriter, r *http.Request) (string, bool) {
	language, ok := gimlet.From(r).Get(site.LanguageKey).(string)
	return language, ok
}
