package main

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gimlet-go/gimlet"
)

// action answers a POST: it changes the session and sends the browser back to
// a page. The session is saved before the redirect leaves.
func (a *app) action(change func(*gimlet.Session, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			message(w, http.StatusBadRequest, "That form could not be read", "Go back, and try once more.")
			return
		}
		if err := change(gimlet.From(r), r); err != nil {
			failed(w, r, err)
			return
		}
		http.Redirect(w, r, comingFrom(r), http.StatusSeeOther)
	}
}

// comingFrom returns the page that a form says it stands on, so that the
// visitor stays there. A form is not to be trusted: only pages of the shop
// count, and any other address leads to the start.
func comingFrom(r *http.Request) string {
	page := r.PostForm.Get("page")
	if path, _, _ := strings.Cut(page, "#"); path == "/" || path == "/devices" {
		return page
	}
	return "/"
}

// login binds the session to a name, with what the visitor has done so far.
// The shop believes everyone: check a password or a passkey in your program.
func (a *app) login(s *gimlet.Session, r *http.Request) error {
	name, problem := parseName(r.PostForm.Get("name"))
	if problem != "" {
		s.Flash(loginErrors, problem)
		return nil
	}
	// Login gives the session a new token: a cookie that somebody has planted
	// or seen before opens nothing from now on.
	if err := s.Login(r.Context(), name); err != nil {
		return err
	}
	userAgent.Set(s, clip(r.UserAgent(), 256))
	address.Set(s, host(r.RemoteAddr))
	s.Flash(greetings, "Welcome, "+name+".")
	return nil
}

const maxName = 40 // characters

// parseName tidies up a name, or says to the visitor what is wrong with it.
func parseName(input string) (name, problem string) {
	name = strings.Join(strings.Fields(input), " ")
	switch {
	case name == "":
		return "", "Please enter a name."
	case strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }):
		return "", "Please use characters that can be seen."
	case utf8.RuneCountInString(name) > maxName:
		return "", fmt.Sprintf("Please enter a name of at most %d characters.", maxName)
	}
	return name, ""
}

// logout ends the session at once, and on every copy of its cookie. Set begins
// a new one, which holds the theme alone: a cookie, and nothing in the file.
func (a *app) logout(s *gimlet.Session, r *http.Request) error {
	chosen, ok := theme.Get(s)
	if err := s.Destroy(r.Context()); err != nil {
		return err
	}
	if ok {
		theme.Set(s, chosen)
	}
	return nil
}

// logoutEverywhere ends all sessions of the user, this one last.
func (a *app) logoutEverywhere(s *gimlet.Session, r *http.Request) error {
	if owner := s.Owner(); owner != "" {
		if _, err := a.sessions.RevokeOwner(r.Context(), owner, s.ID()); err != nil {
			return err
		}
	}
	return a.logout(s, r)
}

// addOne counts. Update is atomic: of clicks that overlap, none is lost.
func (a *app) addOne(s *gimlet.Session, _ *http.Request) error {
	count.Update(s, func(n int) int { return n + 1 })
	return nil
}

// chooseTheme keeps the theme in the cookie.
func (a *app) chooseTheme(s *gimlet.Session, r *http.Request) error {
	if chosen := r.PostForm.Get("theme"); slices.Contains(themes, chosen) {
		theme.Set(s, chosen)
	}
	return nil
}

// clip returns at most n bytes of s, and valid UTF-8: it comes from a stranger.
func clip(s string, n int) string {
	return strings.ToValidUTF8(s[:min(n, len(s))], "")
}

// host returns an address without its port.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
