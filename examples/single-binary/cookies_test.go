package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The cookie is guarded as well as each scheme allows, and no cache may keep
// it. That browsers take it is what every test shows: see browserWith.
func TestCookie_attributes(t *testing.T) {
	everyScheme(t, func(t *testing.T, shop *shop) {
		overTLS := shop.server.TLS != nil
		name := map[bool]string{false: "id", true: "__Host-id"}[overTLS]
		b := shop.browser(firefox)
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, action := range []string{"/count", "/login", "/logout"} {
			p := b.do(http.MethodPost, action, map[string][]string{"name": {"Ada"}})
			require.Equal(t, []string{"no-store"}, p.Header["Cache-Control"], action)
			require.Len(t, p.Cookies(), 1, action)
			c := p.Cookies()[0]
			require.Equal(t, name, c.Name, action)
			require.Equal(t, overTLS, c.Secure, action)
			require.True(t, c.HttpOnly, action)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite, action)
			require.Equal(t, "/", c.Path, action)
			require.Empty(t, c.Domain, action)
		}
		require.Empty(t, b.jar.Names(), "the logout took it away")
	})
}

// Whatever a visitor does, the browser holds one cookie, and after a logout
// none but that of the theme.
func TestCookie_lifeInBrowser(t *testing.T) {
	everyScheme(t, func(t *testing.T, shop *shop) {
		b := shop.browser(firefox)
		for _, path := range []string{"/", "/devices", "/api/session", "/nowhere", "/static/style.css"} {
			b.get(path)
			require.Empty(t, b.jar.Names(), "reading begins no session: %s", path)
		}
		for _, step := range [][]string{
			{"/count"},
			{"/login", "name", "Ada"},
			{"/cart/add", "item", "awl"},
			{"/theme", "theme", "walnut"},
			{"/cart/remove", "item", "awl"},
			{"/login", "name", "Bob"},
		} {
			b.post(step[0], step[1:]...)
			require.Len(t, b.jar.Names(), 1, step)
		}
		require.Equal(t, "Bob", b.session().Name)
		b.post("/theme", "theme", "dark")
		b.post("/logout-everywhere")
		require.Len(t, b.jar.Names(), 1)
		require.Equal(t, "dark", b.session().Theme)
	})
}
