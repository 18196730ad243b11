package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShop_flow(t *testing.T) { everyScheme(t, flow) }

func flow(t *testing.T, shop *shop) {
	b := shop.browser(firefox)

	// Reading begins no session.
	p := b.get("/")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Contains(t, p.body, "Your name")
	require.Equal(t, nobody, b.session())
	require.Empty(t, b.cookies())

	// Nobody has to sign in to count and to fill the cart.
	b.post("/count")
	p = b.post("/cart/add", "item", "plane")
	require.Contains(t, p.body, "Added: Smoothing plane.")
	require.NotContains(t, b.get("/").body, "Added:", "a flash message is shown once")
	b.post("/cart/add", "item", "awl")
	b.post("/cart/add", "item", "awl")
	b.post("/cart/remove", "item", "plane")

	// What was done before the login stays.
	p = b.post("/login", "name", "  Ada   Lovelace ")
	require.Contains(t, p.body, "Welcome, Ada Lovelace.")
	require.Contains(t, p.body, "€28.00")
	b.post("/count")
	want := sessionInfo{Name: "Ada Lovelace", Count: 2, Cart: []cartLine{{"awl", 2}}, Theme: "auto", Sessions: 1}
	require.Equal(t, want, b.session())

	// The program ends and begins again: nothing is lost.
	shop.restart()
	require.Equal(t, want, b.session())
	require.Contains(t, b.get("/").body, "Signed in as <strong>Ada Lovelace</strong>")

	b.post("/logout")
	require.Equal(t, nobody, b.session())
	require.Empty(t, b.cookies())
}

func TestShop_apiWithoutSession(t *testing.T) {
	p := newShop(t).browser(firefox).get("/api/session")
	require.Equal(t, "application/json", p.Header.Get("Content-Type"))
	require.JSONEq(t, `{"name":"","count":0,"cart":[],"theme":"auto","sessions":0}`, p.body)
	require.Empty(t, p.Header["Set-Cookie"])
}

func TestShop_redirects(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/login", "/logout", "/logout-everywhere", "/count", "/cart/add", "/cart/remove", "/theme", "/devices/revoke"} {
		p := b.do(http.MethodPost, path, nil)
		require.Equal(t, http.StatusSeeOther, p.StatusCode, path)
		require.Equal(t, "/", p.Header.Get("Location"), path)
	}
	for page, want := range map[string]string{
		"/devices":             "/devices",
		"/#awl":                "/#awl",
		"https://evil.example": "/",
		"//evil.example":       "/",
		"/\\evil.example":      "/",
		"/logout":              "/",
	} {
		p := b.do(http.MethodPost, "/count", map[string][]string{"page": {page}})
		require.Equal(t, want, p.Header.Get("Location"), page)
	}
}

func TestShop_names(t *testing.T) {
	b := newShop(t).browser(firefox)
	for name, problem := range map[string]string{
		"":                      "Please enter a name.",
		" \t ":                  "Please enter a name.",
		strings.Repeat("é", 41): "Please enter a name of at most 40 characters.",
		"A\u202eda":             "Please use characters that can be seen.",
		"A\x00da":               "Please use characters that can be seen.",
		"A\xffda":               "Please use characters that can be seen.",
	} {
		p := b.post("/login", "name", name)
		require.Contains(t, p.body, problem, "%q", name)
		require.Contains(t, p.body, "aria-invalid", "%q", name)
		require.Empty(t, b.session().Name, "%q", name)
	}
	long := strings.Repeat("é", 40)
	b.post("/login", "name", long)
	require.Equal(t, long, b.session().Name)
	require.Contains(t, b.post("/login", "name", "<b>Bob</b>").body, "&lt;b&gt;Bob&lt;/b&gt;")
}

func TestShop_anotherName(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.post("/login", "name", "Ada")
	b.post("/count")
	b.post("/login", "name", "Bob")
	require.Equal(t, sessionInfo{Name: "Bob", Cart: []cartLine{}, Theme: "auto", Sessions: 1}, b.session(),
		"the next user does not find what the last one did")
}

func TestShop_cart(t *testing.T) {
	b := newShop(t).browser(firefox)
	require.Contains(t, b.post("/cart/add", "item", "chainsaw").body, "We do not have that.")
	b.post("/cart/remove", "item", "awl")
	require.Empty(t, b.session().Cart)
	b.post("/cart/add", "item", "gimlet")
	b.post("/cart/add", "item", "gimlet")
	b.post("/cart/add", "item", "awl")
	b.post("/cart/remove", "item", "awl")
	require.Equal(t, []cartLine{{"gimlet", 2}}, b.session().Cart)
	require.Contains(t, b.get("/").body, "2 in the cart")
}

func TestChangeQuantity(t *testing.T) {
	full := []cartLine{{"awl", 1}, {"gimlet", maxQuantity}}
	require.Equal(t, full, changeQuantity(full, "gimlet", 1))
	require.Equal(t, []cartLine{{"awl", 1}, {"plane", 1}}, changeQuantity([]cartLine{{"awl", 1}}, "plane", 1))
	require.Empty(t, changeQuantity([]cartLine{{"awl", 1}}, "awl", -1))
	require.Empty(t, changeQuantity(nil, "awl", -1))
}

func TestReceipt(t *testing.T) {
	rec := newReceipt([]cartLine{{"gimlet", 3}, {"sold out for ever", 1}, {"plane", 1}})
	require.Len(t, rec.Lines, 2)
	require.Equal(t, "€28.50", rec.Lines[0].Cost.String())
	require.Equal(t, "€147.50", rec.Total.String())
}

func TestShop_concurrentCounts(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.post("/count")
	const tabs, clicks = 8, 5
	var wg sync.WaitGroup
	for range tabs {
		wg.Go(func() {
			for range clicks {
				resp, err := b.client.PostForm(b.shop.server.URL+"/count", nil)
				if err == nil {
					_ = resp.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1+tabs*clicks, b.session().Count)
}
