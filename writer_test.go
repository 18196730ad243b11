package gimlet_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A fakeServer is a response writer that can do what net/http's can. It notes
// each call with the number of sessions saved by then.
type fakeServer struct {
	m      *gimlet.Manager
	header http.Header
	calls  []string
}

func (f *fakeServer) note(call string) {
	f.calls = append(f.calls, call+" after "+strconv.FormatUint(f.m.Stats().Saves, 10))
}

func (f *fakeServer) Header() http.Header { return f.header }

func (f *fakeServer) WriteHeader(status int) { f.note("WriteHeader " + strconv.Itoa(status)) }

func (f *fakeServer) Write(b []byte) (int, error) {
	f.note("Write")
	return len(b), nil
}

func (f *fakeServer) WriteString(s string) (int, error) {
	f.note("WriteString")
	return len(s), nil
}

func (f *fakeServer) ReadFrom(r io.Reader) (int64, error) {
	f.note("ReadFrom")
	return io.Copy(io.Discard, r)
}

func (f *fakeServer) Flush() { f.note("Flush") }

func (f *fakeServer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	f.note("Hijack")
	return nil, nil, nil
}

func (f *fakeServer) Push(target string, _ *http.PushOptions) error {
	f.note("Push " + target)
	return nil
}

// begun returns the cookies of a new session whose n is 0.
func begun(t *testing.T, m *gimlet.Manager) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		gimlet.From(r).Set("n", 0)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.test/", nil))
	require.NotEmpty(t, w.Result().Cookies())
	return w.Result().Cookies()
}

// request is a request that brings cookies.
func request(cookies []*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// The session is saved right before the first byte of the final response, by
// whatever way of writing that byte leaves, and what the server can do the
// handler can still reach.
func TestWriter_savesBeforeTheFirstByte(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "page"))
	require.NoError(t, err)
	defer file.Close()
	tests := map[string]struct {
		write func(w http.ResponseWriter)
		first string
	}{
		"WriteHeader":   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }, "WriteHeader 418"},
		"Write":         {func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }, "Write"},
		"WriteString":   {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, "WriteString"},
		"Flush":         {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, "Flush"},
		"FlushError":    {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, "Flush"},
		"ReadFrom":      {func(w http.ResponseWriter) { _, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("x")) }, "ReadFrom"},
		"a copied file": {func(w http.ResponseWriter) { _, _ = io.Copy(w, file) }, "ReadFrom"},
		"Hijack":        {func(w http.ResponseWriter) { _, _, _ = w.(http.Hijacker).Hijack() }, "Hijack"},
		"a controlled Hijack": {func(w http.ResponseWriter) {
			_, _, _ = http.NewResponseController(w).Hijack()
		}, "Hijack"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			r := request(begun(t, m))
			w := &fakeServer{m: m, header: http.Header{}}
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := gimlet.From(r)
				s.Set("n", 1)
				require.EqualValues(t, 1, m.Stats().Saves)
				test.write(w)
				require.NoError(t, s.Err())
			})).ServeHTTP(w, r)
			require.NotEmpty(t, w.calls)
			require.Equal(t, test.first+" after 2", w.calls[0])
			require.EqualValues(t, 2, m.Stats().Saves)
		})
	}
}

// A handler that returns without writing has its session saved, too.
func TestWriter_savesWithoutOutput(t *testing.T) {
	m := newManager(t)
	w := &fakeServer{m: m, header: http.Header{}}
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		gimlet.From(r).Set("n", 1)
	})).ServeHTTP(w, request(nil))
	require.Empty(t, w.calls)
	require.EqualValues(t, 1, m.Stats().Saves)
	require.Len(t, w.header["Set-Cookie"], 1)
}

// A writer without ReadFrom is copied to, and is not asked for what it cannot do.
func TestWriter_plainWriterBelow(t *testing.T) {
	m := newManager(t)
	w := &nullWriter{header: http.Header{}}
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gimlet.From(r).Set("n", 1)
		n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("four"))
		require.NoError(t, err)
		require.EqualValues(t, 4, n)
		require.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
		_, _, err = w.(http.Hijacker).Hijack()
		require.ErrorIs(t, err, http.ErrNotSupported)
		require.ErrorIs(t, w.(http.Pusher).Push("/x", nil), http.ErrNotSupported)
	})).ServeHTTP(w, request(nil))
	require.EqualValues(t, 1, m.Stats().Saves)
}

// A response of any status carries the cookie, one without a body too.
func TestWriter_everyStatusCarriesTheCookie(t *testing.T) {
	site := newSite(t, newManager(t))
	site.on("/{status}", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.PathValue("status"))
		require.NoError(t, err)
		s.Set("n", status)
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "body")
	})
	site.do("/check", func(s *gimlet.Session) { require.NotNil(t, s.Get("n")) })
	for _, status := range []int{200, 201, 204, 206, 301, 302, 303, 304, 307, 400, 401, 403, 404, 410, 429, 500, 503} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			b := site.browser()
			r, err := http.NewRequest(method, site.URL+"/"+strconv.Itoa(status), nil)
			require.NoError(t, err)
			p := b.do(r)
			require.Equal(t, status, p.StatusCode)
			require.Len(t, p.setCookie("__Host-id="), 1, "%s %d", method, status)
			b.ok("/check")
		}
	}
}

// An informational response passes through and decides nothing: what is set
// after it is saved, and its cookie goes out with the final response.
func TestWriter_earlyHints(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m).on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("n", 1)
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		require.Zero(t, m.Stats().Saves)
		w.WriteHeader(http.StatusProcessing)
		s.Set("n", 2)
		s.Set("c", 3, gimlet.ClientSide)
		w.WriteHeader(http.StatusCreated)
		require.NoError(t, s.Err())
	})
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, 2, s.Get("n"))
		require.Equal(t, 3, s.Get("c"))
	})
	var hints []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		require.Empty(t, h["Set-Cookie"])
		require.Empty(t, h["Vary"])
		hints = append(hints, strconv.Itoa(code)+" "+h.Get("Link"))
		return nil
	}}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, site.URL, nil)
	require.NoError(t, err)
	b := site.browser()
	p := b.do(r)
	require.Equal(t, http.StatusCreated, p.StatusCode)
	require.Equal(t, []string{"103 </style.css>; rel=preload", "102 </style.css>; rel=preload"}, hints)
	require.Len(t, p.Header["Set-Cookie"], 1)
	require.EqualValues(t, 1, m.Stats().Saves)
	b.ok("/check")
}

// An informational response after the headers does nothing.
func TestWriter_lateHintsAreDropped(t *testing.T) {
	m := newManager(t)
	w := &fakeServer{m: m, header: http.Header{}}
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusEarlyHints)
	})).ServeHTTP(w, request(nil))
	require.Equal(t, []string{"WriteHeader 200 after 0"}, w.calls)
}

// 101 Switching Protocols is a final response: it carries the cookie.
func TestWriter_switchingProtocols(t *testing.T) {
	m := newManager(t)
	w := &fakeServer{m: m, header: http.Header{}}
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := gimlet.From(r)
		s.Set("n", 1)
		w.WriteHeader(http.StatusSwitchingProtocols)
		_, _, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		require.NoError(t, s.Err())
	})).ServeHTTP(w, request(nil))
	require.Equal(t, []string{"WriteHeader 101 after 1", "Hijack after 1"}, w.calls)
	require.Len(t, w.header["Set-Cookie"], 1)
}
