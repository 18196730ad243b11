package webtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Jar is a cookie jar that refuses what a browser refuses
// (draft-ietf-httpbis-rfc6265bis, section 5.7) and net/http/cookiejar does not:
// by size, by number, by prefix, by attributes that do not go together. It
// knows no public suffixes but those of one label.
//
// The zero Jar is empty and ready to use, by several goroutines at once too.
type Jar struct {
	mu      sync.Mutex
	kept    []cookie // in the order of their creation
	refused []string
}

var _ http.CookieJar = (*Jar)(nil)

// Limits of browsers: they may keep more, and longer, but need not.
const (
	maxCookies   = 50 // of one host
	maxCookie    = 4096
	maxAttribute = 1024
	maxAge       = 400 * 24 * time.Hour
)

// A cookie is kept, with Path and Domain as the browser understands them.
type cookie struct {
	*http.Cookie
	host     string // that it belongs to
	hostOnly bool
	expires  time.Time // zero: when the browser closes
}

// SetCookies implements [http.CookieJar] for the response to a request for u.
// What is refused changes nothing, even if it was to delete a cookie.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if why := cmp.Or(refusal(u, c), j.conflict(u, c)); why != "" {
			j.refused = append(j.refused, c.Name+": "+why)
			continue
		}
		j.keep(newCookie(u, c))
	}
}

func newCookie(u *url.URL, c *http.Cookie) cookie {
	copied := *c
	k := cookie{Cookie: &copied, host: domainOf(c), hostOnly: c.Domain == ""}
	k.host = cmp.Or(k.host, hostOf(u))
	if !strings.HasPrefix(k.Path, "/") {
		k.Path = cmp.Or(u.Path[:max(strings.LastIndex(u.Path, "/"), 0)], "/")
	}
	last := time.Now().Add(maxAge)
	switch {
	case c.MaxAge != 0:
		k.expires = time.Now().Add(time.Duration(min(c.MaxAge, int(maxAge/time.Second))) * time.Second)
	case c.Expires.After(last):
		k.expires = last
	default:
		k.expires = c.Expires
	}
	return k
}

// keep puts a cookie in the place of the one that it replaces, or takes that
// away.
func (j *Jar) keep(k cookie) {
	j.kept = slices.DeleteFunc(j.kept, func(old cookie) bool { return !old.alive() })
	i := slices.IndexFunc(j.kept, k.replaces)
	switch {
	case i < 0 && k.alive():
		j.kept = append(j.kept, k)
	case i >= 0 && k.alive():
		j.kept[i] = k
	case i >= 0:
		j.kept = slices.Delete(j.kept, i, i+1)
	}
}

// replaces reports whether two cookies are the same one for a browser:
// partitioned ones are kept apart from the others.
func (k cookie) replaces(old cookie) bool {
	return k.Name == old.Name && k.host == old.host && k.hostOnly == old.hostOnly &&
		k.Path == old.Path && k.Partitioned == old.Partitioned
}

func (k cookie) alive() bool { return k.expires.IsZero() || time.Now().Before(k.expires) }

// Cookies implements [http.CookieJar]: those that go with a request for u, in
// the order of browsers, with the longest path first. They have no attributes.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var sent []cookie
	for _, k := range j.kept {
		host := k.host == hostOf(u) || !k.hostOnly && within(hostOf(u), k.host)
		if host && under(cmp.Or(u.Path, "/"), k.Path) && k.alive() && (!k.Secure || u.Scheme == "https") {
			sent = append(sent, k)
		}
	}
	slices.SortStableFunc(sent, func(a, b cookie) int { return cmp.Compare(len(b.Path), len(a.Path)) })
	var pairs []*http.Cookie
	for _, k := range sent {
		pairs = append(pairs, &http.Cookie{Name: k.Name, Value: k.Value, Quoted: k.Quoted})
	}
	return pairs
}

// Names returns the names of the cookies in the jar, in the order of their
// creation.
func (j *Jar) Names() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var names []string
	for _, k := range j.kept {
		if k.alive() {
			names = append(names, k.Name)
		}
	}
	return names
}

// Refused returns what the jar has refused since it exists: the name of each
// cookie, and why.
func (j *Jar) Refused() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.refused)
}

// Copy returns a jar with the same cookies: what somebody has who steals a
// browser's. It has refused nothing yet.
func (j *Jar) Copy() *Jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &Jar{kept: slices.Clone(j.kept)}
}

// Clear takes all cookies out of the jar, which still knows what it refused.
func (j *Jar) Clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = nil
}
