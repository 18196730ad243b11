package rig

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

// A Site is what programs serve, and how tests look at it: the whole
// library, with cache and compression, behind net/http.
type Site struct {
	File    *bolt.Store
	Manager *gimlet.Manager
	Handler http.Handler
}

// OpenSite opens the site whose sessions are in the file at path.
func OpenSite(path string, opts ...gimlet.Option) (*Site, error) {
	file := bolt.Open(path, bolt.WithJournal(1<<20))
	m, err := gimlet.New(file, opts...)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		s := gimlet.From(r)
		s.Set(r.FormValue("key"), n)
		s.Set("text of "+r.FormValue("key"), Text(n))
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
		for _, key := range Keys {
			if n, ok := gimlet.From(r).Get(key).(int); ok && gimlet.From(r).Get("text of "+key) == Text(n) {
				values[key] = n
			}
		}
		_ = json.NewEncoder(w).Encode(values)
	})
	return &Site{file, m, m.Handler(mux)}, nil
}

// Keys are what sessions have, each with a text that is compressed.
var Keys = []string{"x", "y"}

// Text is the text for a number.
func Text(n int) string { return strings.Repeat(fmt.Sprint("value ", n, ", "), 40) }

// Ask asks for a page as a browser does that has some cookies, and returns them as
// they are then.
func (s *Site) Ask(path string, cookies map[string]string, form url.Values) (string, map[string]string, error) {
	r := httptest.NewRequest(http.MethodPost, "https://example.com"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
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

// Close closes manager and file.
func (s *Site) Close() error { return s.Manager.Close() }

// Values returns what a browser with some cookies is shown.
func (s *Site) Values(cookies map[string]string) (map[string]int, error) {
	body, _, err := s.Ask("/read", cookies, nil)
	if err != nil {
		return nil, err
	}
	var values map[string]int
	return values, json.Unmarshal([]byte(body), &values)
}
