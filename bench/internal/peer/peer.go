// Package peer has the contestants: this library, those that it is compared
// with, and a server without sessions as the floor. Each serves package site's
// pages, written as the documentation of its library shows.
//
// Three modules of the peers cannot be had everywhere through the module
// proxy: the bbolt and Redis stores of scs, and the bbolt storage of Fiber.
// Adapters here make the same database calls per operation; each says so.
package peer

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// A Peer is one way of keeping sessions.
type Peer struct {
	Name  string // as tables show it
	About string // versions and settings, for the page

	// Synced says that a write which was answered is on the disk.
	Synced bool
	// Kept says that sessions are found again when Close and Open with the
	// same directory follow each other; if not, they are in the memory of the
	// process or in the cookies.
	Kept bool
	// CookieState says that the cookie holds the values, so that a browser
	// needs the newest one.
	CookieState bool

	// Open opens it on a directory that belongs to it alone.
	Open func(dir string) (*Server, error)
}

// A Server is an opened peer. One of Handler and Fast is set.
type Server struct {
	Handler http.Handler
	Fast    fasthttp.RequestHandler

	// Manager is that of this library, nil for others.
	Manager *gimlet.Manager

	// Hurry, if it is set, turns syncing off or on again, to fill a store in
	// less time with the same calls. It must not overlap requests.
	Hurry func(on bool)

	// Expire, if it is set, removes the expired sessions as the peer's own
	// clean-up does, all of them.
	Expire func() error

	close func() error
}

// Close stops the peer; one that is Kept can be opened again. It must not
// overlap other calls. Closing twice is nil.
func (s *Server) Close() error {
	if s.close == nil {
		return nil
	}
	stop := s.close
	s.close = nil
	return stop()
}

// pages is what a session library does for the site. The bool is false when
// there is no session to read from, which the site answers with 404: a lost
// session must not pass for a fast one.
type pages interface {
	create(w http.ResponseWriter, r *http.Request, v site.Values) error
	read(w http.ResponseWriter, r *http.Request) (name string, visits int, ok bool)
	write(w http.ResponseWriter, r *http.Request) (visits int, ok bool)
	createSmall(w http.ResponseWriter, r *http.Request) error
	readSmall(w http.ResponseWriter, r *http.Request) (language string, ok bool)
}

// limited is what libraries do in which one session can be made to end sooner
// than others.
type limited interface {
	limit(r *http.Request, life time.Duration)
}

// handler serves the site with net/http.
type handler struct{ pages }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch site.Page(r.URL.Path) {
	case site.Untouched:
		answer(w, "untouched", true)
	case site.Read:
		name, visits, ok := h.read(w, r)
		answer(w, site.Shown(name, visits), ok)
	case site.Write:
		visits, ok := h.write(w, r)
		answer(w, site.Shown("", visits), ok)
	case site.Create:
		v, life, err := site.Wanted(r.URL.RawQuery)
		if err == nil {
			err = h.create(w, r, v)
		}
		if p, ok := h.pages.(limited); ok && life > 0 && err == nil {
			p.limit(r, life)
		}
		created(w, err)
	case site.CreateSmall:
		created(w, h.createSmall(w, r))
	case site.ReadSmall:
		language, ok := h.readSmall(w, r)
		answer(w, language, ok)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, text string, ok bool) {
	if !ok {
		http.Error(w, "no session", http.StatusNotFound)
		return
	}
	// An error here is a client that went away.
	_, _ = io.WriteString(w, text)
}

func created(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, "created", true)
}

// Bare is the floor: the same server and pages without any session. Its
// cookie has the length of an ordinary one.
var Bare = Peer{
	Name:  "no session",
	About: "The same pages and server with nothing that knows of sessions; the browser still sends a cookie of 64 characters.",
	Open: func(string) (*Server, error) {
		return &Server{Handler: handler{bare{}}}, nil
	},
}

type bare struct{}

func (bare) create(w http.ResponseWriter, _ *http.Request, _ site.Values) error {
	http.SetCookie(w, &http.Cookie{Name: "id", Value: strings.Repeat("0123456789abcdef", 4)})
	return nil
}

func (b bare) createSmall(w http.ResponseWriter, r *http.Request) error {
	return b.create(w, r, site.Values{})
}

func (bare) read(http.ResponseWriter, *http.Request) (string, int, bool) {
	return "anna bruno", 1, true
}
func (bare) write(http.ResponseWriter, *http.Request) (int, bool)        { return 1, true }
func (bare) readSmall(http.ResponseWriter, *http.Request) (string, bool) { return site.Language, true }
