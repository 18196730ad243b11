package webtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A directives map holds those of Cache-Control with their arguments, both in
// small letters. Of one that is repeated it holds the first.
type directives map[string]string

func directivesOf(h http.Header) directives {
	d := make(directives)
	for _, line := range h["Cache-Control"] {
		for _, text := range splitList(line) {
			name, argument, _ := strings.Cut(strings.ToLower(text), "=")
			if !d.has(name) {
				d[name] = strings.Trim(argument, `"`)
			}
		}
	}
	return d
}

// splitList splits a list at the commas that are outside of quotes.
func splitList(line string) (list []string) {
	quoted, begin := false, 0
	for i, c := range line + "," {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && (!quoted || i == len(line)):
			list = append(list, strings.TrimSpace(line[begin:i]))
			begin = i + 1
		}
	}
	return list
}

func (d directives) has(name string) bool { _, ok := d[name]; return ok }

// alone reports whether the directive is there and concerns the whole answer,
// rather than the fields that its argument names.
func (d directives) alone(name string) bool { return d.has(name) && d[name] == "" }

// fieldsNotShared are those that a shared cache must take out of an answer
// before it hands it on.
func (d directives) fieldsNotShared() []string {
	return append(splitList(d["private"]), splitList(d["no-cache"])...)
}

// byHeuristics is for how long an answer is handed on that does not say.
const byHeuristics = 24 * time.Hour

// freshness is for how long an answer may be handed on without asking again
// (RFC 9111, section 4.2.1).
func (d directives) freshness(h http.Header) time.Duration {
	for _, name := range []string{"s-maxage", "max-age"} {
		if d.has(name) {
			seconds, err := strconv.ParseInt(d[name], 10, 32)
			if err != nil {
				return 0
			}
			return time.Duration(seconds) * time.Second
		}
	}
	if len(h["Expires"]) > 0 {
		end, err := http.ParseTime(h.Get("Expires"))
		if err != nil {
			return 0
		}
		return time.Until(end)
	}
	return byHeuristics
}
