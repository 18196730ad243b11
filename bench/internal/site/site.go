// Package site is the small web site that every contestant serves: the same
// five values in a session, and the same pages, written once for each
// session library in the way that its documentation shows.
package site

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Page is the path of a page. All are fetched with GET, so that requests
// differ in nothing but path and cookie.
type Page string

const (
	// Untouched answers without a look at the session.
	Untouched Page = "/untouched"
	// Read reads two values of five, the name and the visits, and shows them.
	Read Page = "/read"
	// Write reads the visits and stores one more, so that every write changes
	// something.
	Write Page = "/write"
	// Create begins a session with the values of [Query].
	Create Page = "/create"
	// CreateSmall begins a session that holds a language and nothing else,
	// where the library can: in the cookie.
	CreateSmall Page = "/create-small"
	// ReadSmall reads that language.
	ReadSmall Page = "/read-small"
)

// Values are what a session holds: five keys, about 300 bytes with a note of
// the default length.
type Values struct {
	User   int
	Name   string
	Email  string
	Visits int
	Note   string
}

// The keys of the values, and of the language of the small session.
const (
	UserKey     = "user_id"
	NameKey     = "name"
	EmailKey    = "email"
	VisitsKey   = "visits"
	NoteKey     = "note"
	LanguageKey = "language"
)

// Language is the value of the small session.
const Language = "en"

// NoteBytes is the length of the note that makes a session one of about 300
// bytes.
const NoteBytes = 220

// Of returns the values of the i-th session, with a note of noteBytes bytes.
// They depend on nothing else.
func Of(i, noteBytes int) Values {
	first, last := words[i%len(words)], words[i/len(words)%len(words)]
	name := first + " " + last
	return Values{
		User:  1_000_000 + i,
		Name:  name,
		Email: fmt.Sprintf("%s.%s%d@example.org", first, last, i%1000),
		Note:  note(i, noteBytes),
	}
}

// note strings words together as people do, so that it compresses like text
// and no two sessions have the same.
func note(i, bytes int) string {
	var b strings.Builder
	b.Grow(bytes + 16)
	state := uint64(i)*0x9e3779b97f4a7c15 + 1
	for b.Len() < bytes {
		state = state*6364136223846793005 + 1442695040888963407
		b.WriteString(words[state>>33%uint64(len(words))])
		if state>>60 == 0 {
			b.WriteString(strconv.FormatUint(state>>40, 36))
		}
		b.WriteByte(' ')
	}
	return b.String()[:bytes]
}

var words = strings.Fields(`anna bruno clara david elena frank greta henry irene jonas
	katja louis maria niels olivia peter quinn rosa simon tessa ulrich vera walter xenia yusuf zoe
	order cart paid shipped address street city garden blue green small large wool cotton leather
	bicycle lamp table window monday tuesday friday invoice discount delivery morning evening please
	leave parcel with neighbour second floor ring twice thank you gift wrapped returned size colour`)

// Query returns the path and query of [Create] for the i-th session.
func Query(i, noteBytes int) string {
	return string(Create) + "?i=" + strconv.Itoa(i) + "&note=" + strconv.Itoa(noteBytes)
}

// ShortQuery is Query for a session that ends when life has passed.
func ShortQuery(i, noteBytes int, life time.Duration) string {
	return Query(i, noteBytes) + "&life=" + life.String()
}

// Wanted returns the values that a query of [Query] or [ShortQuery] asks for,
// and how long the session is to live, 0 when that is left to the library.
func Wanted(query string) (Values, time.Duration, error) {
	form, err := url.ParseQuery(query)
	var i, noteBytes int
	if err == nil {
		i, err = strconv.Atoi(form.Get("i"))
	}
	if err == nil {
		noteBytes, err = strconv.Atoi(form.Get("note"))
	}
	var life time.Duration
	if err == nil && form.Has("life") {
		life, err = time.ParseDuration(form.Get("life"))
	}
	if err != nil {
		return Values{}, 0, fmt.Errorf("site: %w", err)
	}
	return Of(i, noteBytes), life, nil
}

// Shown is what [Read] answers: the name and the visits.
func Shown(name string, visits int) string {
	return name + " " + strconv.Itoa(visits)
}
