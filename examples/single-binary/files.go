package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

// files are in the program: the binary is all there is to install.
//
//go:embed templates static
var files embed.FS

var (
	messageTemplate = parsePage("message.html")
	footer          = template.Must(template.ParseFS(files, "templates/footer.html")).Lookup("footer.html")
)

// parsePage parses a page and the layout that it goes into. An error is one of
// the program, so it panics, at the start.
func parsePage(name string) *template.Template {
	t := template.New(name).Funcs(template.FuncMap{
		"ago":        ago,
		"themes":     func() []string { return themes },
		"stylesheet": stylesheet,
	})
	return template.Must(t.ParseFS(files, "templates/layout.html", "templates/drawings.html", "templates/"+name))
}

// stylesheet returns the address of the style sheet. It changes with the
// content, so that browsers may keep it for long.
func stylesheet() (string, error) {
	css, err := files.ReadFile("static/style.css")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(css)
	return "/static/style.css?v=" + hex.EncodeToString(sum[:6]), nil
}

// serveStatic does not ask for the session: it costs no I/O, and neither
// cookie nor Vary keeps the answer out of a cache.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeFileFS(w, r, files, "static/"+r.PathValue("file"))
}

// ago says how long before now t was, as people do.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "unknown"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute")
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour")
	default:
		return plural(int(d.Hours()/24), "day")
	}
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}
