package gimlet

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// A responseWriter saves the session before the first byte of the final
// response leaves. If that fails, the error handler answers instead of the
// handler, of whose output nothing leaves.
type responseWriter struct {
	http.ResponseWriter
	session *Session
	request *http.Request // as the handler got it
	begun   bool          // the final response's headers are decided
	err     error         // the session's, if the response was replaced

	noted bool     // outer is known
	outer []header // what was there before the handler, from middleware around
}

type header struct {
	name   string
	values []string
}

// Unwrap is what http.ResponseController follows.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Header notes what middleware around this one has set, before the handler can
// change it.
func (w *responseWriter) Header() http.Header {
	h := w.ResponseWriter.Header()
	if w.noted {
		return h
	}
	w.noted = true
	if len(h) > 0 {
		w.outer = make([]header, 0, len(h))
	}
	for name, values := range h {
		w.outer = append(w.outer, header{name, values})
	}
	return h
}

func (w *responseWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		if !w.begun {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	if w.begin() == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func (w *responseWriter) WriteString(s string) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom lets the server use sendfile.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{w.ResponseWriter}, r)
}

func (w *responseWriter) Flush() {
	_ = w.FlushError()
}

func (w *responseWriter) FlushError() error {
	if err := w.begin(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack saves the session first. Whoever takes over the connection writes the
// response, so that a cookie cannot be promised: changes that need one fail.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !hijackable(w.ResponseWriter) {
		return nil, nil, http.ErrNotSupported // the response goes on, with its cookies
	}
	if !w.begun {
		w.session.forgoCookies()
	}
	if err := w.begin(); err != nil {
		return nil, nil, err
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.session.outlive()
	}
	return conn, rw, err
}

// hijackable reports whether the server's writer at the bottom can be hijacked.
func hijackable(w http.ResponseWriter) bool {
	for {
		around, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			_, ok = w.(http.Hijacker)
			return ok
		}
		w = around.Unwrap()
	}
}

func (w *responseWriter) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// begin decides the headers, once. It returns the session's error if the
// response was replaced.
func (w *responseWriter) begin() error {
	if w.begun {
		return w.err
	}
	w.begun = true
	if err := w.session.respond(w); err != nil {
		w.err = err
		w.replace()
	}
	return w.err
}

// replace answers with the error handler, without anything of the handler's.
func (w *responseWriter) replace() {
	h := w.Header()
	clear(h)
	for _, o := range w.outer {
		h[o.name] = o.values
	}
	for _, name := range pageHeaders {
		h.Del(name)
	}
	w.session.varyByCookie(h)
	h.Set("Cache-Control", "no-store")
	w.session.m.cfg.onError(w.ResponseWriter, w.request, w.err)
}

// pageHeaders speak of a page that does not leave, whoever has set them.
var pageHeaders = []string{"Content-Length", "Content-Range", "Etag", "Expires", "Last-Modified"}

// forgetTrailers keeps what the handler adds to the headers after its output
// was replaced from leaving as trailers.
func (w *responseWriter) forgetTrailers() {
	h := w.Header()
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(h, name)
		}
	}
}

// finish ends a request whose handler has returned. What cannot be saved any
// more, with part of the response gone, breaks the connection off: a page that
// looks complete would be a lie.
func (w *responseWriter) finish() {
	if !w.begun {
		_ = w.begin()
		return
	}
	if w.err != nil {
		w.forgetTrailers()
		return
	}
	if err := w.session.finish(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

var (
	_ http.Flusher    = (*responseWriter)(nil)
	_ http.Hijacker   = (*responseWriter)(nil)
	_ http.Pusher     = (*responseWriter)(nil)
	_ io.ReaderFrom   = (*responseWriter)(nil)
	_ io.StringWriter = (*responseWriter)(nil)
)
