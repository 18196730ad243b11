package torture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A site is what the program serve serves, and how its tests look at it: the whole
// library, with cache and compression, behind net/http.
type site struct {
	manager *gimlet.Manager
	handler http.Handler
}

func openSite(path string) (*site, error) {
	m, err := gimlet.New(bolt.Open(path, bolt.WithJournal(1<<20)))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		s := gimlet.From(r)
		s.Set(r.FormValue("key"), n)
		s.Set("text of "+r.FormValue("key"), text(n))
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := gimlet.From(r).Login(r.Context(), r.FormValue("owner")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := gimlet.From(r).Destroy(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		values := map[string]int{}
		for _, key := range keys {
			if n, ok := gimlet.From(r).Get(key).(int); ok && gimlet.From(r).Get("text of "+key) == text(n) {
				values[key] = n
			}
		}
		_ = json.NewEncoder(w).Encode(values)
	})
	return &site{m, m.Handler(mux)}, nil
}

// keys are what sessions have, each with a text that is compressed.
var keys = []string{"x", "y"}

func text(n int) string { return strings.Repeat(fmt.Sprint("value ", n, ", "), 40) }

// ask asks for a page as a browser does that has some cookies, and returns them as
// they are then.
func (s *site) ask(path string, cookies map[string]string, form url.Values) (string, map[string]string, error) {
	r := httptest.NewRequest(http.MethodPost, "https://example.com"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return "", nil, fmt.Errorf("%s: status %d: %.200s", path, w.Code, w.Body)
	}
	cookies = maps.Clone(cookies)
	if cookies == nil {
		cookies = map[string]string{}
	}
	for _, c := range w.Result().Cookies() {
		if cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(cookies, c.Name)
		}
	}
	return w.Body.String(), cookies, nil
}

func (s *site) close() error { return s.manager.Close() }

// values returns what a browser with some cookies is shown.
func (s *site) values(cookies map[string]string) (map[string]int, error) {
	body, _, err := s.ask("/read", cookies, nil)
	if err != nil {
		return nil, err
	}
	var values map[string]int
	return values, json.Unmarshal([]byte(body), &values)
}
