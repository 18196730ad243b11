package peer

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gorilla/sessions"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// cookieKey authenticates the cookies of gorilla and gin-contrib. It is fixed,
// so that a peer that is opened again accepts what it has given out.
var cookieKey = []byte("0123456789abcdef0123456789abcdef")

// GorillaCookie is gorilla/sessions with the values in the cookie.
var GorillaCookie = Peer{
	Name:        "gorilla, cookie",
	About:       "gorilla/sessions v1.4.0, NewCookieStore with an authentication key: signed and not encrypted, which is its documentation's example and costs it least.",
	Kept:        true,
	CookieState: true,
	Open: func(string) (*Server, error) {
		return &Server{Handler: handler{gorillaPages{sessions.NewCookieStore(cookieKey)}}}, nil
	},
}

// GorillaFiles is gorilla/sessions with a file for each session.
var GorillaFiles = Peer{
	Name:  "gorilla, files",
	About: "gorilla/sessions v1.4.0, NewFilesystemStore with an authentication key. It does not sync what it writes.",
	Kept:  true,
	Open: func(dir string) (*Server, error) {
		files := filepath.Join(dir, "files")
		if err := os.MkdirAll(files, 0o700); err != nil {
			return nil, fmt.Errorf("peer: gorilla: %w", err)
		}
		return &Server{Handler: handler{gorillaPages{sessions.NewFilesystemStore(files, cookieKey)}}}, nil
	},
}

type gorillaPages struct{ store sessions.Store }

// session returns the request's session; an error is a cookie that is not
// accepted, with which gorilla returns a new session.
func (p gorillaPages) session(r *http.Request) *sessions.Session {
	s, _ := p.store.Get(r, "session")
	return s
}

func (p gorillaPages) create(w http.ResponseWriter, r *http.Request, v site.Values) error {
	s := p.session(r)
	s.Values[site.UserKey] = v.User
	s.Values[site.NameKey] = v.Name
	s.Values[site.EmailKey] = v.Email
	s.Values[site.VisitsKey] = v.Visits
	s.Values[site.NoteKey] = v.Note
	return s.Save(r, w)
}

func (p gorillaPages) read(_ http.ResponseWriter, r *http.Request) (string, int, bool) {
	s := p.session(r)
	name, ok := s.Values[site.NameKey].(string)
	visits, _ := s.Values[site.VisitsKey].(int)
	return name, visits, ok
}

func (p gorillaPages) write(w http.ResponseWriter, r *http.Request) (int, bool) {
	s := p.session(r)
	visits, ok := s.Values[site.VisitsKey].(int)
	if !ok {
		return 0, false
	}
	s.Values[site.VisitsKey] = visits + 1
	return visits + 1, s.Save(r, w) == nil
}

func (p gorillaPages) createSmall(w http.ResponseWriter, r *http.Request) error {
	s := p.session(r)
	s.Values[site.LanguageKey] = site.Language
	return s.Save(r, w)
}

func (p gorillaPages) readSmall(_ http.ResponseWriter, r *http.Request) (string, bool) {
	language, ok := p.session(r).Values[site.LanguageKey].(string)
	return language, ok
}
