package fuzz_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// cookieName is the name that managers give their cookie by default.
const cookieName = "__Host-id"

// A site is a manager and what its last request has failed of, if it has.
type site struct {
	*gimlet.Manager
	failure error
}

// newSite opens a manager without a cache: what it asks for reaches the store.
func newSite(t testing.TB, s store.Store, opts ...gimlet.Option) *site {
	t.Helper()
	site := &site{}
	onError := gimlet.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
		site.failure = err
		w.WriteHeader(http.StatusInternalServerError)
	})
	opts = append([]gimlet.Option{gimlet.WithKeys(ringKey), gimlet.WithCache(0), onError}, opts...)
	var err error
	site.Manager, err = gimlet.New(s, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, site.Close()) })
	return site
}

// serve answers a request with these Cookie lines; do is its handler.
func (s *site) serve(lines []string, do func(*gimlet.Session)) *httptest.ResponseRecorder {
	s.failure = nil
	r := httptest.NewRequest(http.MethodGet, "https://example.test/", nil)
	r.Header["Cookie"] = lines
	w := httptest.NewRecorder()
	handler := func(_ http.ResponseWriter, r *http.Request) { do(gimlet.From(r)) }
	s.Handler(http.HandlerFunc(handler)).ServeHTTP(w, r)
	return w
}

// A view is all that a handler can read of a session.
type view struct {
	ID      store.ID
	Owner   string
	New     bool
	Created time.Time
	Expires time.Time
	Keys    []string
	Values  map[string]any
	Flashes []any
}

// nobody is what is seen without a session.
var nobody = view{}

// look reads everything, in more ways than one.
func look(s *gimlet.Session) view {
	v := view{Owner: s.Owner(), New: s.IsNew(), Created: s.Created(), Expires: s.Expires(), Keys: s.Keys()}
	for key, value := range s.All() {
		if v.Values == nil {
			v.Values = make(map[string]any)
		}
		v.Values[key] = value
	}
	for _, key := range append(v.Keys, "theme", "cart", "") {
		for _, p := range []gimlet.Placement{0, gimlet.ServerSide, gimlet.ClientSide, gimlet.Transient} {
			s.Get(key, p)
			s.Has(key, p)
		}
	}
	s.PeekFlashes("")
	v.Flashes = append(s.Flashes(""), s.Flashes("q")...)
	if len(v.Keys) == 0 {
		v.Keys = nil
	}
	v.ID = s.ID() // as it is once the record is known
	return v
}

// read answers a request that only reads.
func (s *site) read(lines []string) (view, *httptest.ResponseRecorder) {
	var v view
	w := s.serve(lines, func(s *gimlet.Session) { v = look(s) })
	return v, w
}

// write answers a request that leaves a note in the session, and returns the
// session's ID and when, now that it is saved, it ends.
func (s *site) write(lines []string, at ...gimlet.Placement) (id store.ID, ends time.Time, w *httptest.ResponseRecorder) {
	var session *gimlet.Session
	w = s.serve(lines, func(s *gimlet.Session) {
		session = s
		s.Set("note", "written", at...)
	})
	return session.ID(), session.Expires(), w
}

// A jar keeps cookies like a browser that got them all from one host.
type jar map[string]string

// take does what the Set-Cookie headers of a response say.
func (j jar) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(j, c.Name)
		} else {
			j[c.Name] = c.Value
		}
	}
}

// lines is the Cookie header that the browser sends.
func (j jar) lines() []string {
	var pairs []string
	for name, value := range j {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return []string{strings.Join(pairs, "; ")}
}
