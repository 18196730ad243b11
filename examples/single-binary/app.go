package main

import (
	"net/http"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// An app is the shop. All that it remembers is in its sessions.
type app struct {
	sessions *gimlet.Manager
}

// openApp opens the sessions in a file. This is the whole set-up: keys are
// made on first use, and live in the file, too.
func openApp(path string) (*app, error) {
	sessions, err := gimlet.New(bolt.Open(path), gimlet.WithErrorHandler(sessionFailed))
	if err != nil {
		return nil, err
	}
	return &app{sessions}, nil
}

// handler returns the shop with everything around it.
func (a *app) handler() http.Handler {
	return a.protect(a.routes())
}

// protect puts the middleware around the pages. That of the sessions is the
// innermost, so that what the others refuse never gets to a session.
func (a *app) protect(pages http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(denied))
	h := a.sessions.Handler(pages)
	h = http.MaxBytesHandler(h, maxForm)
	h = csrf.Handler(h)
	return withSecurityHeaders(h)
}

// maxForm bounds the body of a request: the forms of the shop are tiny.
const maxForm = 16 << 10

func (a *app) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page(homePage, a.home))
	mux.HandleFunc("GET /devices", a.page(devicesPage, a.devices))
	mux.HandleFunc("GET /api/session", a.apiSession)
	mux.HandleFunc("GET /static/{file}", serveStatic)
	mux.HandleFunc("/", a.page(notFoundPage, a.notFound))

	mux.HandleFunc("POST /login", a.action(a.login))
	mux.HandleFunc("POST /logout", a.action(a.logout))
	mux.HandleFunc("POST /logout-everywhere", a.action(a.logoutEverywhere))
	mux.HandleFunc("POST /count", a.action(a.addOne))
	mux.HandleFunc("POST /cart/add", a.action(a.addToCart))
	mux.HandleFunc("POST /cart/remove", a.action(a.removeFromCart))
	mux.HandleFunc("POST /theme", a.action(a.chooseTheme))
	mux.HandleFunc("POST /devices/revoke", a.action(a.revokeDevice))
	return mux
}

// withSecurityHeaders tells browsers to run no scripts at all, to load nothing
// from elsewhere, and to show the shop in nobody's frame.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
