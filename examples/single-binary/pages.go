package main

import (
	"bytes"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/gimlet-go/gimlet"
)

// A view is what the layout shows, around the content of a page.
type view struct {
	Title   string
	Path    string // of the page, for forms that lead back to it
	Theme   string
	Name    string // of the user; empty when nobody is signed in
	Content any
}

// A pageKind is a page's template and the status of its response.
type pageKind struct {
	template *template.Template
	status   int
}

var (
	homePage     = pageKind{parsePage("home.html"), http.StatusOK}
	devicesPage  = pageKind{parsePage("devices.html"), http.StatusOK}
	notFoundPage = pageKind{messageTemplate, http.StatusNotFound}
)

// page answers a GET: gather reads what the page shows from the session, then
// the page is rendered into memory, and then the response begins. So an error
// on the way never leaves half a page, and the cost at its end is known.
func (a *app) page(kind pageKind, gather func(*gimlet.Session, *http.Request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		before := costOf(a.sessions.Stats())
		v, err := gather(gimlet.From(r), r)
		if err != nil {
			failed(w, r, err)
			return
		}
		body, err := render(kind.template, v)
		if err != nil {
			failed(w, r, err)
			return
		}
		setPageHeaders(w.Header())
		// Now the session is saved and the cookies are set. If that fails, the
		// response is replaced by the error handler's and the writes go nowhere.
		w.WriteHeader(kind.status)
		total := costOf(a.sessions.Stats())
		_, _ = body.WriteTo(w)
		if err := footer.Execute(w, costs{Page: total.since(before), Total: total}); err != nil {
			slog.Debug("write the footer", "error", err) // the visitor has left
		}
	}
}

func render(t *template.Template, v view) (*bytes.Buffer, error) {
	var body bytes.Buffer
	err := t.ExecuteTemplate(&body, "layout.html", v)
	return &body, err
}

// setPageHeaders keeps personal pages out of every cache, the browser's
// included: the Back button shows nothing after a logout.
func setPageHeaders(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
}

// A homeView is the content of the start page. Messages of a flash queue are
// shown once: reading them removes them.
type homeView struct {
	Count       int
	Greetings   []any
	LoginErrors []any
	CartNews    []any
	MaxName     int
	Products    []product
	Receipt     receipt
}

// home reads everything from the session. Without a cookie there is nothing to
// read, and no session begins.
func (a *app) home(s *gimlet.Session, _ *http.Request) (view, error) {
	n, _ := count.Get(s)
	lines, _ := cart.Get(s)
	return view{
		Title: "Shop",
		Path:  "/",
		Theme: themeOf(s),
		Name:  s.Owner(),
		Content: homeView{
			Count:       n,
			Greetings:   s.Flashes(greetings),
			LoginErrors: s.Flashes(loginErrors),
			CartNews:    s.Flashes(cartNews),
			MaxName:     maxName,
			Products:    products,
			Receipt:     newReceipt(lines),
		},
	}, nil
}

// A messageView is a page that says one thing.
type messageView struct {
	Text string
}

// notFound asks the session for the theme alone. It lives in the cookie, so
// this page costs no I/O, whoever asks for it.
func (a *app) notFound(s *gimlet.Session, _ *http.Request) (view, error) {
	return view{
		Title:   "Nothing here",
		Theme:   themeOf(s),
		Content: messageView{"There is no page at this address."},
	}, nil
}

// message answers with a page that needs no session.
func message(w http.ResponseWriter, status int, title, text string) {
	body, err := render(messageTemplate, view{Title: title, Theme: themes[0], Content: messageView{text}})
	if err != nil {
		slog.Error("render a message", "error", err)
		http.Error(w, title, status)
		return
	}
	setPageHeaders(w.Header())
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

// failed answers when a handler cannot.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	slog.Error("request failed", "path", r.URL.Path, "error", err)
	sessionFailed(w, r, err)
}

// sessionFailed is the error handler of the sessions: when a session cannot be
// read or saved, this answers, and nothing of the handler's page leaves. The
// library has logged the error.
func sessionFailed(w http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, gimlet.ErrGone) {
		message(w, http.StatusConflict, "You were logged out",
			"This session was ended while your request was under way. Nothing was changed.")
		return
	}
	message(w, http.StatusServiceUnavailable, "Back in a moment",
		"The shop cannot get at its records. Nothing was changed; please try again.")
}

// denied answers a form that another site has sent.
func denied(w http.ResponseWriter, _ *http.Request) {
	message(w, http.StatusForbidden, "Not from here", "That form was sent by another site, so the shop ignores it.")
}
