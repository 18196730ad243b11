package peer

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// Live keeps the values as live objects in the memory of the process, behind
// locks, as icza/session does: nothing is encoded, and nothing survives. It is
// the least that a library with server-side sessions could do.
var Live = Peer{
	Name:  "live objects",
	About: "Written here after the manner of icza/session, whose module is not to be had through the proxy: a map of sessions behind a lock, each a map of values behind a lock, no encoding; everything is lost when the process ends.",
	Open: func(string) (*Server, error) {
		return &Server{Handler: handler{&livePages{sessions: map[string]*liveSession{}}}}, nil
	},
}

type livePages struct {
	mu       sync.RWMutex
	sessions map[string]*liveSession
}

type liveSession struct {
	mu       sync.RWMutex
	accessed time.Time
	values   map[string]any
}

func (s *liveSession) get(key string) any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[key]
}

func (s *liveSession) set(key string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
}

// session finds the request's session, nil if there is none, and notes its use.
func (p *livePages) session(r *http.Request) *liveSession {
	c, err := r.Cookie("sessid")
	if err != nil {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.sessions[c.Value]
	if s != nil {
		s.mu.Lock()
		s.accessed = time.Now()
		s.mu.Unlock()
	}
	return s
}

func (p *livePages) add(w http.ResponseWriter, values map[string]any) {
	id := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "sessid", Value: id, Path: "/", HttpOnly: true})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[id] = &liveSession{accessed: time.Now(), values: values}
}

func (p *livePages) create(w http.ResponseWriter, _ *http.Request, v site.Values) error {
	p.add(w, map[string]any{
		site.UserKey: v.User, site.NameKey: v.Name, site.EmailKey: v.Email, site.VisitsKey: v.Visits, site.NoteKey: v.Note,
	})
	return nil
}

func (p *livePages) read(_ http.ResponseWriter, r *http.Request) (string, int, bool) {
	s := p.session(r)
	if s == nil {
		return "", 0, false
	}
	name, ok := s.get(site.NameKey).(string)
	visits, _ := s.get(site.VisitsKey).(int)
	return name, visits, ok
}

func (p *livePages) write(_ http.ResponseWriter, r *http.Request) (int, bool) {
	s := p.session(r)
	if s == nil {
		return 0, false
	}
	visits, ok := s.get(site.VisitsKey).(int)
	s.set(site.VisitsKey, visits+1)
	return visits + 1, ok
}

func (p *livePages) createSmall(w http.ResponseWriter, _ *http.Request) error {
	p.add(w, map[string]any{site.LanguageKey: site.Language})
	return nil
}

func (p *livePages) readSmall(_ http.ResponseWriter, r *http.Request) (string, bool) {
	s := p.session(r)
	if s == nil {
		return "", false
	}
	language, ok := s.get(site.LanguageKey).(string)
	return language, ok
}
