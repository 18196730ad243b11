package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDevices_revokeOne(t *testing.T) {
	shop := newShop(t)
	laptop, phone := shop.browser(firefox), shop.browser(iPhone)
	laptop.post("/login", "name", "Ada")
	phone.post("/login", "name", "Ada")
	stranger := shop.browser(firefox)
	stranger.post("/login", "name", "Bob")
	require.Equal(t, 2, laptop.session().Sessions)
	require.Equal(t, 1, stranger.session().Sessions)

	p := laptop.get("/devices")
	require.Contains(t, p.body, `Firefox on Linux <span class="badge">this device</span>`)
	require.Contains(t, p.body, "Safari on iPhone")
	require.Contains(t, p.body, "127.0.0.1")
	require.NotContains(t, p.body, "Bob")

	id := otherDevice(t, laptop)
	require.Contains(t, stranger.post("/devices/revoke", "id", id, "page", "/devices").body, "logged out already")
	require.Equal(t, "Ada", phone.session().Name, "a stranger cannot end it")

	require.Contains(t, laptop.post("/devices/revoke", "id", id, "page", "/devices").body, "Logged out: Safari on iPhone.")
	require.Equal(t, nobody, phone.session())
	require.Equal(t, 1, laptop.session().Sessions)
	require.Contains(t, laptop.post("/devices/revoke", "id", id, "page", "/devices").body, "logged out already")
	require.Contains(t, laptop.post("/devices/revoke", "id", "x", "page", "/devices").body, "no such device")
}

func TestDevices_revokeThisOne(t *testing.T) {
	shop := newShop(t)
	laptop, phone := shop.browser(firefox), shop.browser(iPhone)
	laptop.post("/login", "name", "Ada")
	phone.post("/login", "name", "Ada")
	phone.post("/devices/revoke", "id", otherDevice(t, laptop), "page", "/devices")
	require.Equal(t, nobody, phone.session())
	require.Equal(t, 1, laptop.session().Sessions)
}

func TestDevices_order(t *testing.T) {
	now := time.Now()
	list := []device{{ID: "old", Seen: now.Add(-time.Hour)}, {ID: "new", Seen: now}, {ID: "this", Current: true}}
	slices.SortFunc(list, byLastUse)
	require.Equal(t, []string{"this", "new", "old"}, []string{list[0].ID, list[1].ID, list[2].ID})
}

// otherDevice returns the ID of a session of the user that is not b's.
func otherDevice(t *testing.T, b *browser) string {
	t.Helper()
	name, own := b.session().Name, ""
	for info, err := range b.shop.sessions.Sessions(t.Context(), name) {
		require.NoError(t, err)
		agent, _ := info.Get(userAgent.Name()).(string)
		if agent != b.agent {
			own = info.ID.String()
		}
	}
	require.NotEmpty(t, own)
	return own
}

func TestDevices_signedOut(t *testing.T) {
	shop := newShop(t)
	shop.browser(iPhone).post("/login", "name", "Ada")
	b := shop.browser(firefox)
	b.post("/count")
	p := b.get("/devices")
	require.Contains(t, p.body, "Sign in to see where")
	require.NotContains(t, p.body, "Safari", "nobody's devices are not everybody's")
	require.Zero(t, b.session().Sessions)
}

func TestLogout_everywhere(t *testing.T) {
	shop := newShop(t)
	laptop, phone, stranger := shop.browser(firefox), shop.browser(iPhone), shop.browser(firefox)
	laptop.post("/login", "name", "Ada")
	phone.post("/login", "name", "Ada")
	stranger.post("/login", "name", "Bob")
	laptop.post("/logout-everywhere")
	require.Equal(t, nobody, laptop.session())
	require.Equal(t, nobody, phone.session())
	require.Equal(t, "Bob", stranger.session().Name)
}

func TestLogout_replayedCookie(t *testing.T) { everyScheme(t, replayedCookie) }

func replayedCookie(t *testing.T, shop *shop) {
	b := shop.browser(firefox)
	b.post("/theme", "theme", "walnut") // the cookie carries a value of its own
	b.post("/login", "name", "Ada")
	b.post("/count")
	thief := b.copy()
	require.Equal(t, "Ada", thief.session().Name, "a copy works while the session lives")
	late := b.copy()
	b.post("/logout")
	require.Equal(t, nobody, thief.session())
	shop.restart()
	require.Equal(t, nobody, late.session())
}

func TestLogin_renewsToken(t *testing.T) { everyScheme(t, renewsToken) }

func renewsToken(t *testing.T, shop *shop) {
	b := shop.browser(firefox)
	b.post("/count")
	planted := b.copy()
	require.Equal(t, 1, planted.session().Count)
	b.post("/login", "name", "Ada")
	require.Equal(t, nobody, planted.session(), "the cookie from before the login opens nothing")
	require.Equal(t, 1, b.session().Count)
}

func TestCrossOrigin(t *testing.T) {
	b := newShop(t).browser(firefox)
	b.post("/count")
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
	} {
		p := b.do(http.MethodPost, "/count", nil, header...)
		require.Equal(t, http.StatusForbidden, p.StatusCode, header)
		require.Contains(t, p.body, "sent by another site", header)
	}
	require.Equal(t, 1, b.session().Count)
	require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/count", nil, "Sec-Fetch-Site", "same-origin").StatusCode)
	require.Equal(t, 2, b.session().Count)
}
