package gimlet_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// begins adds handlers that write, read and end a session.
func (s *site) begins() *site {
	s.do("/set", func(s *gimlet.Session) { s.Set("n", 5) })
	s.on("/get", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		if s.Get("n") == 5 {
			_, _ = w.Write([]byte("five"))
		}
	})
	s.do("/set/client", func(s *gimlet.Session) {
		s.Set("n", 5, gimlet.ClientSide)
		s.Set("t", strings.Repeat("t", 4000), gimlet.ClientSide|gimlet.Transient)
		s.Set("u", strings.Repeat("u", 4000), gimlet.ClientSide)
	})
	s.on("/destroy", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		if err := s.Destroy(r.Context()); err != nil {
			panic(err)
		}
	})
	return s
}

// at is a site without a connection that a browser reaches under url.
func at(t testing.TB, m *gimlet.Manager, url string) *site {
	s := newLocal(t, m).begins()
	s.URL = url
	return s
}

// attributes are those of a Set-Cookie line, none of which stands there twice.
func attributes(t testing.TB, line string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for i, part := range strings.Split(line, "; ") {
		name, value, _ := strings.Cut(part, "=")
		if i == 0 {
			name = "="
		}
		require.NotContains(t, all, name, line)
		all[name] = value
	}
	return all
}

// By default the cookie is named __Host-id, and is Secure, HttpOnly,
// SameSite=Lax, with Path=/ and without Domain.
func TestCookie_defaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := at(t, newManager(t), "https://example.test")
		p := site.ask("/set")
		lines := p.Header["Set-Cookie"]
		require.Len(t, lines, 1)
		require.Regexp(t, `^__Host-id=[0-9A-Za-z_-]+; `, lines[0])
		got := attributes(t, lines[0])
		require.Contains(t, got, "Expires")
		require.Equal(t, "86400", got["Max-Age"])
		delete(got, "=")
		delete(got, "Expires")
		delete(got, "Max-Age")
		require.Equal(t, map[string]string{"Path": "/", "HttpOnly": "", "Secure": "", "SameSite": "Lax"}, got)
		require.Equal(t, "five", site.ask("/get", p.line()).body)
	})
}

// The prefix of the name fits Domain and Path, unless the name has one.
func TestCookie_names(t *testing.T) {
	tests := map[string]struct {
		cookie            gimlet.Cookie
		onTLS, onLoopback string
	}{
		"default":         {gimlet.Cookie{}, "__Host-id", "id"},
		"name":            {gimlet.Cookie{Name: "sid"}, "__Host-sid", "sid"},
		"domain":          {gimlet.Cookie{Domain: "example.test"}, "__Secure-id", "id"},
		"path":            {gimlet.Cookie{Path: "/set"}, "__Secure-id", "id"},
		"insecure":        {gimlet.Cookie{Insecure: true}, "id", "id"},
		"host":            {gimlet.Cookie{Name: "__Host-sid"}, "__Host-sid", "sid"},
		"host, any case":  {gimlet.Cookie{Name: "__hOsT-sid"}, "__hOsT-sid", "sid"},
		"secure":          {gimlet.Cookie{Name: "__Secure-sid"}, "__Secure-sid", "sid"},
		"secure, domain":  {gimlet.Cookie{Name: "__SECURE-sid", Domain: "example.test"}, "__SECURE-sid", "sid"},
		"http":            {gimlet.Cookie{Name: "__Http-sid"}, "__Http-sid", "sid"},
		"host and http":   {gimlet.Cookie{Name: "__Host-Http-sid"}, "__Host-Http-sid", "sid"},
		"almost a prefix": {gimlet.Cookie{Name: "_Host-sid"}, "__Host-_Host-sid", "_Host-sid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, gimlet.WithCache(0), gimlet.WithCookie(tt.cookie))
			for url, want := range map[string]string{"https://www.example.test": tt.onTLS, "http://localhost:8080": tt.onLoopback} {
				p := at(t, m, url).ask("/set")
				require.Len(t, p.Cookies(), 1)
				require.Equal(t, want, p.Cookies()[0].Name, url)
				require.Equal(t, url[:5] == "https" && !tt.cookie.Insecure, p.Cookies()[0].Secure)
				require.True(t, p.Cookies()[0].HttpOnly)
			}
		})
	}
}

// Combinations that a browser would reject are refused by New, with a text
// that says what to change.
func TestCookie_refused(t *testing.T) {
	const none = http.SameSiteNoneMode
	tests := map[string]struct {
		cookie gimlet.Cookie
		says   string
	}{
		"host and domain":          {gimlet.Cookie{Name: "__Host-id", Domain: "example.test"}, "leave the prefix out"},
		"host in any case":         {gimlet.Cookie{Name: "__HOST-id", Domain: "example.test"}, "leave the prefix out"},
		"host and path":            {gimlet.Cookie{Name: "__Host-id", Path: "/app"}, "leave the prefix out"},
		"host-http and path":       {gimlet.Cookie{Name: "__host-http-id", Path: "/app"}, "leave the prefix out"},
		"host and insecure":        {gimlet.Cookie{Name: "__Host-id", Insecure: true}, "a name without a prefix"},
		"secure and insecure":      {gimlet.Cookie{Name: "__secure-id", Insecure: true}, "a name without a prefix"},
		"http and insecure":        {gimlet.Cookie{Name: "__Http-id", Insecure: true}, "a name without a prefix"},
		"nothing but a prefix":     {gimlet.Cookie{Name: "__Host-"}, "something behind"},
		"two prefixes":             {gimlet.Cookie{Name: "__Secure-__Host-id"}, "one prefix"},
		"none and insecure":        {gimlet.Cookie{SameSite: none, Insecure: true}, "drop Insecure, or use Lax"},
		"unknown same-site":        {gimlet.Cookie{SameSite: 9}, "SameSite 9 does not exist"},
		"negative same-site":       {gimlet.Cookie{SameSite: -1}, "SameSite -1 does not exist"},
		"partitioned":              {gimlet.Cookie{Partitioned: true}, "Partitioned needs SameSite None"},
		"partitioned and strict":   {gimlet.Cookie{Partitioned: true, SameSite: http.SameSiteStrictMode}, "Partitioned needs SameSite None"},
		"partitioned and insecure": {gimlet.Cookie{Partitioned: true, SameSite: none, Insecure: true}, "Insecure"},
		"path without slash":       {gimlet.Cookie{Path: "app"}, "does not begin with /"},
		"path with semicolon":      {gimlet.Cookie{Path: "/a; Domain=evil.test"}, "Path"},
		"path with line end":       {gimlet.Cookie{Path: "/a\r\nSet-Cookie: a=b"}, "Path"},
		"long path":                {gimlet.Cookie{Path: "/" + strings.Repeat("x", 1024)}, "over 1024 bytes"},
		"long domain":              {gimlet.Cookie{Domain: strings.Repeat("x.", 513) + "test"}, "over 1024 bytes"},
		"long name":                {gimlet.Cookie{Name: strings.Repeat("n", 4096)}, "shorter"},
		"no room for a value":      {gimlet.Cookie{Path: "/" + strings.Repeat("x", 1000), MaxBytes: 1024}, "shorter"},
		"domain is an address":     {gimlet.Cookie{Domain: "192.0.2.1"}, "browsers accept only names"},
		"domain is IPv6":           {gimlet.Cookie{Domain: "::1"}, "browsers accept only names"},
		"domain with semicolon":    {gimlet.Cookie{Domain: "a.test; Path=/"}, "Domain"},
		"domain with port":         {gimlet.Cookie{Domain: "a.test:80"}, "Domain"},
		"name with space":          {gimlet.Cookie{Name: "a b"}, "Name"},
		"name with equals":         {gimlet.Cookie{Name: "a=b"}, "Name"},
		"name with line end":       {gimlet.Cookie{Name: "a\nb"}, "Name"},
		"name with umlaut":         {gimlet.Cookie{Name: "ä"}, "Name"},
		"MaxBytes too small":       {gimlet.Cookie{MaxBytes: 1023}, "between 1024 and 32768"},
		"MaxBytes negative":        {gimlet.Cookie{MaxBytes: -1}, "between 1024 and 32768"},
		"MaxBytes too large":       {gimlet.Cookie{MaxBytes: 32769}, "between 1024 and 32768"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := gimlet.New(memory.New(), gimlet.WithCookie(tt.cookie))
			require.Nil(t, m)
			require.ErrorContains(t, err, "gimlet: New: WithCookie: ")
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// everyCookie are configurations of all kinds that New takes.
var everyCookie = map[string]gimlet.Cookie{
	"default":     {},
	"name":        {Name: "sid"},
	"domain":      {Domain: "example.test"},
	"dot domain":  {Domain: ".example.test"},
	"path":        {Path: "/set"},
	"strict":      {SameSite: http.SameSiteStrictMode},
	"none":        {SameSite: http.SameSiteNoneMode},
	"partitioned": {SameSite: http.SameSiteNoneMode, Partitioned: true},
	"partitioned in a domain": {
		SameSite: http.SameSiteNoneMode, Partitioned: true, Domain: "example.test", Path: "/", MaxBytes: 32768,
	},
	"signed":       {Signed: true, MaxBytes: 16384},
	"insecure":     {Insecure: true},
	"script-proof": {Name: "__Host-Http-id"},
	"any case":     {Name: "__sEcUrE-id", Path: "/"},
	"long names":   {Name: strings.Repeat("n", 200), Path: "/" + strings.Repeat("p", 300), MaxBytes: 32768},
}

// A browser takes the cookies of every configuration, and when the session
// ends it keeps none: the cookie that deletes has the same name, Path, Domain,
// Secure, HttpOnly, SameSite and Partitioned, and no value.
func TestCookie_deletion(t *testing.T) {
	for name, cookie := range everyCookie {
		for _, url := range []string{"https://www.example.test", "http://localhost:8080", "http://127.0.0.1"} {
			t.Run(name+" "+url, func(t *testing.T) {
				cookie.MaxBytes = max(cookie.MaxBytes, 14_000)
				path := strings.TrimSuffix(cookie.Path, "/")
				m := newManager(t, gimlet.WithCache(0), gimlet.WithCookie(cookie))
				site := at(t, m, url)
				inner := site.handler
				site.handler = http.StripPrefix(path, inner)
				b, jar := site.strictBrowser()

				given := b.ok(path + "/set/client").Cookies()
				require.Empty(t, jar.Refused())
				require.Len(t, jar.Names(), len(given))
				require.Greater(t, len(given), 3, "two cookies, in chunks")
				require.Equal(t, "five", b.ok(path+"/get").body)

				taken := b.ok(path + "/destroy").Cookies()
				require.Empty(t, jar.Refused())
				require.Empty(t, jar.Names())
				require.Len(t, taken, len(given))
				like := make(map[string]http.Cookie)
				for _, c := range given {
					like[c.Name] = bare(c)
				}
				for _, c := range taken {
					require.Empty(t, c.Value)
					require.Equal(t, -1, c.MaxAge, "Max-Age=0")
					require.Equal(t, int64(1), c.Expires.Unix())
					require.Equal(t, like[c.Name], bare(c))
				}
			})
		}
	}
}

// bare is a cookie's name and attributes besides value and expiry.
func bare(c *http.Cookie) http.Cookie {
	return http.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, Secure: c.Secure,
		HttpOnly: c.HttpOnly, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
}
