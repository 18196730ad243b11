package main

import (
	"slices"

	"github.com/gimlet-go/gimlet"
)

// What a session holds. A key is a name with a type; declare each once.
var (
	// Server-side is the default: kept in the file, as long as the session.
	// Structs need no registration.
	count = gimlet.NewKey[int]("count")
	cart  = gimlet.NewKey[[]cartLine]("cart")

	// Client-side: sealed into the cookie, so that reading it costs no I/O.
	// A session that holds nothing else has no record in the file at all.
	theme = gimlet.NewKey[string]("theme", gimlet.ClientSide)

	// Kept at login, for the page of the user's devices.
	userAgent = gimlet.NewKey[string]("user_agent")
	address   = gimlet.NewKey[string]("address")
)

// The queues of flash messages: one for each place where a page shows them.
const (
	greetings   = "greetings"
	loginErrors = "login errors"
	cartNews    = "cart news"
	deviceNews  = "device news"
)

// themes are the ones that style.css knows, the default first.
var themes = []string{"auto", "light", "dark", "walnut", "blueprint"}

// themeOf returns the theme of a visitor.
func themeOf(s *gimlet.Session) string {
	if t, ok := theme.Get(s); ok && slices.Contains(themes, t) {
		return t
	}
	return themes[0]
}
