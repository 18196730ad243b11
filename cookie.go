package gimlet

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Cookie configures the cookies, for [WithCookie]. The zero value of each
// field is its default, and the defaults are what a browser does most to
// protect: name "__Host-id", Secure, HttpOnly, SameSite=Lax, Path=/ and no
// Domain. HttpOnly is always set. Combinations that a browser would reject are
// refused by [New].
//
// On plain http to a loopback host (localhost, 127.0.0.0/8, ::1) the prefix of
// the name, Domain and Secure are left out, so that the same program works
// while it is developed. What the request says of forwarding is never
// consulted: behind a proxy that ends TLS the cookie is Secure, as it should be.
type Cookie struct {
	// Name is the cookie's name, "id" by default. A prefix (__Host- or
	// __Secure-) that fits the other fields is put in front, unless the name
	// has one or the cookie is Insecure. Names of further cookies are made
	// by appending to it.
	Name string

	// Domain, if set, gives the cookie to all hosts below it. Leave it empty
	// unless several hosts share sessions: every such host can then read and
	// overwrite the cookie. The prefix becomes __Secure-.
	Domain string

	// Path is "/" by default. With another path the prefix is __Secure-.
	Path string

	// SameSite is Lax by default. With None, on a loopback host over plain
	// http, Lax is used, since browsers refuse None without Secure.
	SameSite http.SameSite

	// Partitioned keys the cookie by the embedding site (CHIPS). It needs
	// SameSite None.
	Partitioned bool

	// Signed makes the cookies readable: HMAC-SHA256 instead of AES-256-GCM.
	// Whoever can see a cookie then sees what is in it; nobody can change it.
	Signed bool

	// Insecure leaves Secure out everywhere, for devices that are reached by
	// plain http on a local network. Whoever can listen can then take over
	// sessions.
	Insecure bool

	// MaxBytes bounds the total size of the cookies, names and attributes
	// included: 8192 by default, since many servers and proxies accept no
	// more in a request, and at most 32768. Cookies over 4096 bytes are split.
	MaxBytes int
}

const (
	maxCookie   = 4096 // of one cookie with its attributes; RFC 6265bis section 5.6
	maxChunks   = 8    // of one split cookie
	maxAllBytes = maxChunks * maxCookie
)

// resolve fills in the defaults and checks the result.
func (c Cookie) resolve() (Cookie, error) {
	c.Name = cmp.Or(c.Name, "id")
	c.Path = cmp.Or(c.Path, "/")
	c.MaxBytes = cmp.Or(c.MaxBytes, 2*maxCookie)
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if prefixOf(c.Name) == "" && !c.Insecure {
		if c.Domain == "" && c.Path == "/" {
			c.Name = "__Host-" + c.Name
		} else {
			c.Name = "__Secure-" + c.Name
		}
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("WithCookie: %w", err)
	}
	return c, nil
}

// prefixes are the beginnings of names that browsers check, whatever their case
// (RFC 6265bis section 5.4), the longer of two that begin alike first. All ask
// for Secure, those with Http for HttpOnly, and those with Host for the path /
// and no domain.
var prefixes = []string{"__Host-Http-", "__Http-", "__Host-", "__Secure-"}

func prefixOf(name string) string {
	for _, p := range prefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return p
		}
	}
	return ""
}

func (c Cookie) check() error {
	prefix := prefixOf(c.Name)
	rest := c.Name[len(prefix):]
	switch {
	case rest == "" || prefixOf(rest) != "":
		return fmt.Errorf("the name %q is to have one prefix at most, and something behind it", c.Name)
	case prefix != "" && c.Insecure:
		return fmt.Errorf("the name %q promises Secure, and Insecure leaves it out: choose a name without a prefix", c.Name)
	case strings.HasPrefix(prefix, "__Host-") && c.Domain != "":
		return fmt.Errorf("the name %q forbids a Domain: leave the prefix out, then __Secure- is used", c.Name)
	case strings.HasPrefix(prefix, "__Host-") && c.Path != "/":
		return fmt.Errorf("the name %q demands the Path /: leave the prefix out, then __Secure- is used", c.Name)
	case c.SameSite == http.SameSiteNoneMode && c.Insecure:
		return errors.New("browsers refuse SameSite None without Secure: drop Insecure, or use Lax")
	case c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("SameSite %d does not exist", c.SameSite)
	case c.Partitioned && c.SameSite != http.SameSiteNoneMode:
		return errors.New("the attribute Partitioned needs SameSite None")
	case c.Path[0] != '/':
		return fmt.Errorf("the Path %q does not begin with /", c.Path)
	case len(c.Path) > 1024 || len(c.Domain) > 1024:
		return errors.New("browsers ignore a Path or Domain over 1024 bytes")
	case c.MaxBytes < 1024 || c.MaxBytes > maxAllBytes:
		return fmt.Errorf("MaxBytes %d is not between 1024 and %d", c.MaxBytes, maxAllBytes)
	case len(c.Name)+len(c.Path)+len(c.Domain) > min(c.MaxBytes, maxCookie)/2:
		return errors.New("the Name, Path and Domain take more than half of a cookie: choose shorter ones")
	}
	if c.Domain != "" && net.ParseIP(c.Domain) != nil {
		return fmt.Errorf("the Domain %q is an address: browsers accept only names", c.Domain)
	}
	probe := http.Cookie{Name: c.Name, Value: "v", Path: c.Path, Domain: c.Domain, SameSite: c.SameSite, Secure: !c.Insecure, Partitioned: c.Partitioned}
	if err := probe.Valid(); err != nil {
		return err
	}
	return nil
}

// A cookieKind is a resolved Cookie for one kind of request: as configured, or
// on a loopback host over plain http.
type cookieKind struct {
	template  http.Cookie
	main      cookieNames
	transient cookieNames
	overhead  int // bytes of one cookie besides its value
}

// cookieNames are the names of a cookie and of its chunks, and the sealer that
// belongs to them.
type cookieNames struct {
	names  [maxChunks]string
	sealer *sealer
}

func (c Cookie) kind(cfg *config, ring *keyRing, loopback bool) *cookieKind {
	k := &cookieKind{template: http.Cookie{
		Name:        c.Name,
		Domain:      c.Domain,
		Path:        c.Path,
		SameSite:    c.SameSite,
		Secure:      !c.Insecure,
		HttpOnly:    true,
		Partitioned: c.Partitioned,
	}}
	if loopback {
		k.template.Name = c.Name[len(prefixOf(c.Name)):]
		k.template.Domain = "" // which this host is not in
		k.template.Secure = false
		k.template.Partitioned = false
		if c.SameSite == http.SameSiteNoneMode {
			k.template.SameSite = http.SameSiteLaxMode
		}
	}
	name := k.template.Name
	k.main = newCookieNames(name, newSealer(ring, "session", name, cfg.name, c.Signed))
	k.main.sealer.recent = &recall{}
	k.transient = newCookieNames(name+".t", newSealer(ring, "transient", name, cfg.name, c.Signed))
	longest := k.template
	longest.Name = k.transient.names[maxChunks-1]
	longest.Value = "v"
	longest.MaxAge = int(maxLifetime / time.Second)
	longest.Expires = time.Unix(0, 0)
	k.overhead = len(longest.String()) - 1
	return k
}

func newCookieNames(name string, s *sealer) cookieNames {
	n := cookieNames{sealer: s}
	n.names[0] = name
	for i := 1; i < maxChunks; i++ {
		n.names[i] = fmt.Sprintf("%s.%d", name, i)
	}
	return n
}

// isLoopback reports whether r came by plain http to a loopback host. Only the
// connection and the Host header count: who sets that header to deceive
// deceives only himself.
func isLoopback(r *http.Request) bool {
	if r.TLS != nil {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
