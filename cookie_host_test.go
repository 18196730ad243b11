package gimlet_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/internal/webtest"
)

// On plain http to a loopback host the same program just works: the cookie has
// no prefix and is not Secure.
func TestCookie_loopback(t *testing.T) {
	for _, host := range []string{
		"localhost", "localhost:8080", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "127.1.2.3:8080",
		"127.255.255.254", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]:8080",
	} {
		site := at(t, newManager(t, gimlet.WithCache(0)), "http://"+host)
		b, jar := site.strictBrowser()
		p := b.ok("/set")
		require.Empty(t, jar.Refused(), host)
		require.Equal(t, "id", p.Cookies()[0].Name, host)
		require.False(t, p.Cookies()[0].Secure, host)
		require.True(t, p.Cookies()[0].HttpOnly, host)
		require.Equal(t, "five", b.ok("/get").body, host)
	}
}

// A real client without TLS stays logged in on a loopback host.
func TestCookie_plainClient(t *testing.T) {
	site := at(t, newManager(t), "")
	server := httptest.NewServer(site.handler)
	defer server.Close()
	jar := &webtest.Jar{}
	client := &http.Client{Jar: jar}
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for _, base := range []string{"http://127.0.0.1" + port, "http://localhost" + port} {
		body := ""
		for _, path := range []string{"/set", "/get"} {
			resp, err := client.Get(base + path)
			require.NoError(t, err)
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			body = string(b)
		}
		require.Equal(t, "five", body, base)
	}
	client.CloseIdleConnections()
	require.Empty(t, jar.Refused())
}

// Over TLS a loopback host is like any other.
func TestCookie_loopbackOverTLS(t *testing.T) {
	p := at(t, newManager(t), "https://localhost:8443").ask("/set")
	require.Equal(t, "__Host-id", p.Cookies()[0].Name)
	require.True(t, p.Cookies()[0].Secure)
}

// Anywhere else the cookie is Secure, so that over plain http a browser is
// simply logged out. A name that looks like a loopback host is none.
func TestCookie_plainHTTPElsewhere(t *testing.T) {
	m := newManager(t)
	for _, host := range []string{
		"example.com", "example.com:8080", "localhost.evil.com", "localhost.", "evil-localhost", "xlocalhost", "local",
		"127.0.0.1.evil.com", "127.evil.com", "127.1", "0177.0.0.1", "2130706433", "0x7f.0.0.1", "0.0.0.0", "128.0.0.1",
		"[::]", "[::2]", "[2001:db8::1]:8080", "[::1].evil.com", "localhost:80:80", "localhost@evil.com", "", ":8080",
		"192.168.0.1", "169.254.0.1",
	} {
		site := at(t, m, "http://example.com")
		r := httptest.NewRequest(http.MethodGet, "http://example.com/set", nil)
		r.Host = host
		p := site.send(r)
		require.Len(t, p.Cookies(), 1, host)
		require.Equal(t, "__Host-id", p.Cookies()[0].Name, host)
		require.True(t, p.Cookies()[0].Secure, host)
	}
	site := at(t, m, "http://example.com")
	b, jar := site.strictBrowser()
	b.ok("/set")
	require.Len(t, jar.Refused(), 1)
	require.Empty(t, b.ok("/get").body, "logged out")
}

// What a request says of forwarding is never consulted, neither to leave
// Secure out nor to put it in.
func TestCookie_forwardedNeverConsulted(t *testing.T) {
	headers := http.Header{
		"X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-For": {"127.0.0.1"},
		"X-Forwarded-Ssl": {"off"}, "X-Forwarded-Scheme": {"http"}, "Front-End-Https": {"off"}, "X-Real-Ip": {"127.0.0.1"},
		"Forwarded": {"proto=http;host=localhost;for=127.0.0.1"}, "X-Original-Host": {"localhost"},
	}
	m := newManager(t)
	for url, want := range map[string]bool{
		"https://example.com/set": true, "http://example.com/set": true, "http://localhost/set": false,
	} {
		for _, upgrade := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, url, nil)
			for name, values := range headers {
				value := values[0]
				if upgrade {
					value = strings.NewReplacer("http", "https", "off", "on", "localhost", "example.com").Replace(value)
				}
				r.Header.Set(name, value)
			}
			p := at(t, m, url).send(r)
			require.Equal(t, want, p.Cookies()[0].Secure, url)
			require.Equal(t, want, strings.HasPrefix(p.Cookies()[0].Name, "__Host-"), url)
		}
	}
}

// Insecure leaves Secure out everywhere, for devices on a local network.
func TestCookie_insecure(t *testing.T) {
	m := newManager(t, gimlet.WithCookie(gimlet.Cookie{Insecure: true}))
	for _, url := range []string{"http://192.168.0.1", "http://printer.local:8080", "http://localhost", "https://example.com"} {
		site := at(t, m, url)
		b, jar := site.strictBrowser()
		p := b.ok("/set")
		require.Empty(t, jar.Refused())
		require.Equal(t, "id", p.Cookies()[0].Name)
		require.False(t, p.Cookies()[0].Secure)
		require.True(t, p.Cookies()[0].HttpOnly)
		require.Equal(t, "five", b.ok("/get").body)
	}
}

// SameSite is always explicit; with None, a loopback host over plain http gets
// Lax, since browsers refuse None without Secure.
func TestCookie_sameSite(t *testing.T) {
	tests := []struct {
		mode              http.SameSite
		partitioned       bool
		onTLS, onLoopback string
	}{
		{0, false, "Lax", "Lax"},
		{http.SameSiteDefaultMode, false, "Lax", "Lax"},
		{http.SameSiteLaxMode, false, "Lax", "Lax"},
		{http.SameSiteStrictMode, false, "Strict", "Strict"},
		{http.SameSiteNoneMode, false, "None", "Lax"},
		{http.SameSiteNoneMode, true, "None", "Lax"},
	}
	for _, tt := range tests {
		m := newManager(t, gimlet.WithCookie(gimlet.Cookie{SameSite: tt.mode, Partitioned: tt.partitioned}))
		for url, want := range map[string]string{"https://example.com": tt.onTLS, "http://localhost": tt.onLoopback} {
			site := at(t, m, url)
			b, jar := site.strictBrowser()
			line := b.ok("/set").Header.Get("Set-Cookie")
			require.Empty(t, jar.Refused())
			require.Equal(t, want, attributes(t, line)["SameSite"])
			partitioned := tt.partitioned && strings.HasPrefix(url, "https:")
			require.Equal(t, partitioned, strings.Contains(line, "; Partitioned"))
		}
	}
}

// A cookie that was made for one kind of host is nothing on another.
func TestCookie_kindsOfHostsAreApart(t *testing.T) {
	m := newManager(t)
	plain, tls := at(t, m, "http://localhost"), at(t, m, "https://example.com")
	onPlain, onTLS := plain.ask("/set").Cookies()[0], tls.ask("/set").Cookies()[0]
	require.Equal(t, "five", plain.ask("/get", "id="+onPlain.Value).body)
	require.Equal(t, "five", tls.ask("/get", "__Host-id="+onTLS.Value).body)
	for _, line := range []string{"__Host-id=" + onPlain.Value, "id=" + onPlain.Value, "id=" + onTLS.Value} {
		require.Empty(t, tls.ask("/get", line).body)
	}
	for _, line := range []string{"__Host-id=" + onTLS.Value, "id=" + onTLS.Value, "__Host-id=" + onPlain.Value} {
		require.Empty(t, plain.ask("/get", line).body)
	}
}
