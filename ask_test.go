package gimlet_test

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/stretchr/testify/require"
)

// ask calls the handler for a URL with lines of the Cookie header that were
// put together by hand.
func (s *site) ask(path string, lines ...string) page {
	s.t.Helper()
	return s.send(httptest.NewRequest(http.MethodGet, s.URL+path, nil), lines...)
}

func (s *site) send(r *http.Request, lines ...string) page {
	s.t.Helper()
	if len(lines) > 0 {
		r.Header["Cookie"] = lines
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		require.LessOrEqual(s.t, len(c.Raw), 4096)
	}
	return page{resp, w.Body.String()}
}

// line is the Cookie header that a browser would send after this page.
func (p page) line() string {
	var pairs []string
	for _, c := range p.Cookies() {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}
