package webtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/webtest"
)

func at(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u
}

// set gives a jar the cookie of a Set-Cookie line.
func set(t *testing.T, jar *webtest.Jar, address, line string) {
	t.Helper()
	c, err := http.ParseSetCookie(line)
	require.NoError(t, err)
	jar.SetCookies(at(t, address), []*http.Cookie{c})
}

// sent is the Cookie header of a request for an address.
func sent(t *testing.T, jar *webtest.Jar, address string) string {
	t.Helper()
	r := http.Request{Header: make(http.Header)}
	for _, c := range jar.Cookies(at(t, address)) {
		r.AddCookie(c)
	}
	return r.Header.Get("Cookie")
}

// The jar refuses what it should, so that the tests that use it can fail.
func TestJar_refuses(t *testing.T) {
	tests := []struct{ url, line, why string }{
		{"https://a.test/", "id=" + strings.Repeat("x", 4095), "too large"},
		{"https://a.test/", "id=" + strings.Repeat("x", 4080) + "; Path=/; Secure", "too large with its attributes"},
		{"https://a.test/", "id=x; Path=/" + strings.Repeat("x", 1024), "an attribute is too large"},
		{"http://localhost/", "id=x; Path=/; Secure", "Secure over plain http"},
		{"https://a.test/", "id=x; Path=/; Domain=b.test", "another domain"},
		{"https://a.test/", "id=x; Path=/; Domain=b.a.test", "another domain"},
		{"https://a.test/", "id=x; Path=/; Domain=test", "another domain"},
		{"https://127.0.0.1/", "id=x; Path=/; Domain=0.0.1", "another domain"},
		{"https://a.test/", "__Host-id=x; Path=/; Secure; Domain=a.test", "the prefix demands Path=/ and no Domain"},
		{"https://a.test/", "__hOsT-id=x; Path=/sub; Secure", "the prefix demands Path=/ and no Domain"},
		{"https://a.test/", "__Host-id=x; Secure", "the prefix demands Path=/ and no Domain"},
		{"http://localhost/", "__Host-id=x; Path=/", "the prefix demands Secure"},
		{"https://a.test/", "__Secure-id=x; Path=/", "the prefix demands Secure"},
		{"https://a.test/", "__Http-id=x; Path=/; Secure", "the prefix demands HttpOnly"},
		{"https://a.test/", "__Host-Http-id=x; Path=/; Secure", "the prefix demands HttpOnly"},
		{"https://a.test/", "id=x; Path=/; SameSite=None", "SameSite=None without Secure"},
		{"https://a.test/", "id=x; Path=/; Partitioned", "Partitioned without Secure"},
	}
	for _, test := range tests {
		jar := &webtest.Jar{}
		set(t, jar, test.url, test.line)
		name, _, _ := strings.Cut(test.line, "=")
		require.Equal(t, []string{name + ": " + test.why}, jar.Refused(), test.line)
		require.Empty(t, jar.Cookies(at(t, test.url)), test.line)
		require.Empty(t, jar.Names(), test.line)
	}
	jar := &webtest.Jar{}
	jar.SetCookies(at(t, "https://a.test/"), []*http.Cookie{{Value: "x"}})
	require.Equal(t, []string{": no name"}, jar.Refused())
}

// What is not wrong is taken.
func TestJar_accepts(t *testing.T) {
	for _, test := range []struct{ url, line string }{
		{"https://a.test/", "id=" + strings.Repeat("x", 4093)},
		{"https://a.test/", "__Host-id=x; Path=/; Secure"},
		{"https://a.test/", "__Host-Http-id=x; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"},
		{"https://A.test/", "id=x; Path=/; Domain=.a.TEST"},
		{"https://b.a.test/", "__Secure-id=x; Domain=a.test; Secure"},
		{"http://127.0.0.1:80/", "id=x; Path=/; Domain=127.0.0.1"},
		{"http://localhost/", "id=x; SameSite=Lax"},
	} {
		jar := &webtest.Jar{}
		set(t, jar, test.url, test.line)
		require.Empty(t, jar.Refused(), test.line)
		require.Len(t, jar.Cookies(at(t, test.url)), 1, test.line)
	}
}

// The jar keeps, sends and forgets cookies as a browser does.
func TestJar_keeps(t *testing.T) {
	jar := &webtest.Jar{}
	const page = "https://www.a.test/sub/page"
	set(t, jar, page, "one=1; Path=/; Domain=a.test; Secure")
	set(t, jar, page, "two=2")
	require.Equal(t, "two=2; one=1", sent(t, jar, page), "the longest path first")
	require.Equal(t, "one=1", sent(t, jar, "https://www.a.test/subway"))
	require.Equal(t, "one=1", sent(t, jar, "https://a.test/sub"), "the other belongs to its host alone")
	require.Equal(t, "two=2", sent(t, jar, "http://www.a.test/sub"))
	require.Empty(t, sent(t, jar, "http://b.test/sub"))
	require.Empty(t, sent(t, jar, "https://ba.test/sub"))

	set(t, jar, page, "one=; Path=/; Max-Age=0")
	require.Equal(t, []string{"one", "two"}, jar.Names(), "another cookie, for it has no Domain")
	set(t, jar, page, "one=3; Path=/; Domain=a.test; Secure")
	require.Equal(t, []string{"one", "two"}, jar.Names(), "the same cookie, in the same place")
	require.Equal(t, "one=3", sent(t, jar, "https://a.test"))
	set(t, jar, page, "one=; Path=/; Domain=a.test; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
	set(t, jar, page, "two=; Path=/sub; Max-Age=0")
	require.Empty(t, jar.Names())
	require.Empty(t, jar.Refused())
}

// What came over plain http neither replaces nor hides what came over TLS.
func TestJar_leavesSecureAlone(t *testing.T) {
	jar := &webtest.Jar{}
	set(t, jar, "https://a.test/", "id=x; Path=/; Secure")
	for _, test := range []struct{ url, line string }{
		{"http://a.test/", "id=y; Path=/"},
		{"http://a.test/", "id=; Path=/; Max-Age=0"},
		{"http://a.test/", "id=y; Path=/sub"},
		{"http://b.a.test/", "id=y; Path=/; Domain=a.test"},
		{"http://b.a.test/", "id=y; Path=/"},
	} {
		set(t, jar, test.url, test.line)
		require.Equal(t, "id: it would hide a Secure one", jar.Refused()[len(jar.Refused())-1], test.line)
	}
	require.Len(t, jar.Refused(), 5)
	require.Equal(t, "id=x", sent(t, jar, "https://a.test/sub"))
	set(t, jar, "http://a.test/", "other=y")
	set(t, jar, "http://ba.test/", "id=y")
	set(t, jar, "https://a.test/", "id=z; Path=/")
	require.Len(t, jar.Refused(), 5)
	require.Equal(t, "id=z; other=y", sent(t, jar, "https://a.test/"))
}

func TestJar_holdsFiftyOfOneHost(t *testing.T) {
	jar := &webtest.Jar{}
	for i := range 50 {
		set(t, jar, "https://a.test/", fmt.Sprint("n", i, "=x"))
	}
	set(t, jar, "https://a.test/", "n7=y")
	set(t, jar, "https://b.test/", "id=x")
	require.Empty(t, jar.Refused())
	set(t, jar, "https://a.test/", "id=x")
	require.Equal(t, []string{"id: too many"}, jar.Refused())
	set(t, jar, "https://a.test/", "n7=; Max-Age=0")
	set(t, jar, "https://a.test/", "id=x")
	require.Len(t, jar.Refused(), 1)
	require.Len(t, jar.Names(), 51)
}

func TestJar_forgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar := &webtest.Jar{}
		const page = "https://a.test/"
		set(t, jar, page, "hour=x; Max-Age=3600; Expires=Fri, 31 Dec 9999 23:59:59 GMT")
		set(t, jar, page, "decades=x; Max-Age=2000000000")
		set(t, jar, page, "ages=x; Expires=Fri, 31 Dec 9999 23:59:59 GMT")
		set(t, jar, page, "closing=x")
		time.Sleep(time.Hour - 1)
		require.Len(t, jar.Names(), 4)
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{"decades", "ages", "closing"}, jar.Names())
		time.Sleep(400 * 24 * time.Hour)
		require.Equal(t, []string{"closing"}, jar.Names(), "no browser keeps one for longer")
		require.Equal(t, "closing=x", sent(t, jar, page))
	})
}

func TestJar_Copy(t *testing.T) {
	jar := &webtest.Jar{}
	set(t, jar, "https://a.test/", "__Host-id=x; Path=/; Secure")
	set(t, jar, "https://a.test/", "__Host-id=y; Path=/")
	stolen := jar.Copy()
	require.Empty(t, stolen.Refused())
	set(t, jar, "https://a.test/", "__Host-id=; Path=/; Secure; Max-Age=0")
	require.Empty(t, jar.Names())
	require.Equal(t, "__Host-id=x", sent(t, stolen, "https://a.test/"))
}

func TestJar_Clear(t *testing.T) {
	jar := &webtest.Jar{}
	set(t, jar, "https://a.test/", "id=x; Path=/; Secure")
	set(t, jar, "http://a.test/", "id=y; Path=/")
	jar.Clear()
	require.Empty(t, jar.Names())
	require.Len(t, jar.Refused(), 1)
	set(t, jar, "http://a.test/", "id=y; Path=/")
	require.Len(t, jar.Names(), 1, "nothing is left to be hidden")
}
