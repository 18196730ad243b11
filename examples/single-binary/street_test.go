package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A street is the people who use one shop at the same time, and what went
// wrong between them.
type street struct {
	ada, bob *person   // sign in
	visitor  *person   // does not
	passerby *person   // only looks
	people   []*person // all of them

	fresh  bool               // every personal page must come from the shop itself
	got    map[string]*person // who got an answer first, by its number
	again  int                // personal pages that came from a cache to somebody with a cookie
	faults []string
}

// A person leaves marks in a session, none like those of another.
type person struct {
	*browser
	street *street
	who    string
	name   string // signs in with it, if it is not empty
	theme  string
	item   string // goes into the cart n times
	n      int    // is how far the person counts, too
}

// personal are the pages that show a session, shared the ones that do not.
var (
	personal = []string{"/", "/devices", "/api/session", "/nowhere"}
	shared   = []string{"/static/style.css", "/static/icon.svg"}
)

func newStreet(s *shop) *street {
	st := &street{got: make(map[string]*person)}
	st.ada = &person{browser: s.browser(firefox), who: "Ada", name: "Ada", theme: "walnut", item: "gimlet", n: 1}
	st.bob = &person{browser: s.browser(iPhone), who: "Bob", name: "Bob", theme: "blueprint", item: "awl", n: 2}
	st.visitor = &person{browser: s.browser(firefox), who: "the visitor", theme: "dark", item: "brace", n: 3}
	st.passerby = &person{browser: s.browser(firefox), who: "the passer-by", theme: "auto"}
	st.people = []*person{st.ada, st.bob, st.visitor, st.passerby}
	for _, p := range st.people {
		p.street = st
	}
	return st
}

// live is a day in the street: people look at everything, do everything that
// there is to do, in turns, and look again after each.
func (st *street) live(t *testing.T) {
	t.Helper()
	active := st.people[:3]
	st.look(t)
	for _, p := range active {
		p.act("/login", "name", p.name) // the visitor is told that there must be one
	}
	st.look(t)
	for _, p := range active {
		p.act("/theme", "theme", p.theme, "page", "/devices")
	}
	st.look(t)
	for _, p := range active {
		for range p.n {
			p.act("/count")
			p.act("/cart/add", "item", p.item)
		}
		p.act("/cart/add", "item", "plane")
	}
	for _, p := range active {
		p.act("/cart/remove", "item", "plane")
		p.act("/devices/revoke", "id", "x", "page", "/devices")
		p.hasDone(t)
	}
	st.look(t)

	st.ada.act("/logout")
	st.bob.act("/logout-everywhere")
	for _, p := range active[:2] {
		p.name, p.item, p.n = "", "", 0
		p.hasDone(t)
	}
	st.look(t)
	st.visitor.hasDone(t)
}

// look lets all look at all pages, and at their cookies.
func (st *street) look(t *testing.T) {
	t.Helper()
	for _, path := range personal {
		for _, p := range st.people {
			p.visit(path)
		}
	}
	for _, path := range shared {
		st.ada.visit(path)
		require.Equal(t, "hit", st.bob.visit(path).Header.Get("X-Cache"), "what is public is shared")
	}
	require.Empty(t, st.faults)

	owners := make(map[string]string)
	for _, p := range st.people {
		for _, c := range p.cookies() {
			require.Empty(t, owners[c.Value], "%s has the cookie of another", p.who)
			owners[c.Value] = p.who
		}
	}
	require.Empty(t, st.passerby.cookies())
}

// visit looks at a page.
func (p *person) visit(path string) page {
	p.t.Helper()
	got := p.get(path)
	p.judge(path, got)
	if p.street.fresh && !strings.HasPrefix(path, "/static/") && beforeFooter(got.body) != beforeFooter(p.truth(path)) {
		p.fault("does not see how things are at %s", path)
	}
	return got
}

// act posts a form, and looks at the page that follows.
func (p *person) act(path string, fields ...string) {
	p.t.Helper()
	got := p.post(path, fields...)
	p.judge(got.Request.URL.Path, got)
}

// judge finds what is wrong with a page that p got.
func (p *person) judge(path string, got page) {
	for _, other := range p.street.people {
		if other == p {
			continue
		}
		for _, mark := range other.marks() {
			if strings.Contains(got.body, mark) {
				p.fault("sees %s at %s", mark, path)
			}
		}
	}
	if strings.HasPrefix(path, "/static/") {
		return
	}
	owner, number := p, got.Header.Get("X-Number")
	if len(p.cookies()) == 0 {
		owner = p.street.passerby // nothing tells them apart
	}
	first, kept := p.street.got[number]
	switch {
	case !kept:
		p.street.got[number] = owner
	case first != owner:
		p.fault("gets what %s got at %s", first.who, path)
	case p.street.fresh:
		p.fault("gets an old page at %s", path)
	case owner != p.street.passerby:
		p.street.again++
	}
}

func (p *person) fault(format string, args ...any) {
	p.street.faults = append(p.street.faults, p.who+" "+fmt.Sprintf(format, args...))
}

// marks are pieces of pages that only p may see.
func (p *person) marks() []string {
	var marks []string
	if p.name != "" {
		marks = append(marks, "<strong>"+p.name+"</strong>", `"name":"`+p.name+`"`, "Welcome, "+p.name)
	}
	if p.theme != themes[0] {
		marks = append(marks, fmt.Sprintf("<html lang=\"en\" data-theme=%q>", p.theme), fmt.Sprintf(`"theme":%q`, p.theme))
	}
	if sold, ok := findProduct(p.item); ok {
		marks = append(marks, "One "+sold.Name+" less", "Added: "+sold.Name, fmt.Sprintf(`"item":%q`, p.item))
	}
	return marks
}

// hasDone checks that the session of p holds what p did, and nothing else.
func (p *person) hasDone(t *testing.T) {
	t.Helper()
	want := sessionInfo{Name: p.name, Count: p.n, Cart: []cartLine{}, Theme: p.theme}
	if p.n > 0 {
		want.Cart = []cartLine{{p.item, p.n}}
	}
	if p.name != "" {
		want.Sessions = 1
	}
	var info sessionInfo
	require.NoError(t, json.Unmarshal([]byte(p.truth("/api/session")), &info))
	require.Equal(t, want, info, p.who)
}

// truth is what the shop itself, without a proxy, shows to p.
func (p *person) truth(path string) string {
	r := httptest.NewRequest(http.MethodGet, p.shop.server.URL+path, nil)
	for _, c := range p.cookies() {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	p.shop.handler().ServeHTTP(w, r)
	return w.Body.String()
}

// beforeFooter leaves out what a page cost.
func beforeFooter(body string) string {
	before, _, _ := strings.Cut(body, "<footer>")
	return before
}
