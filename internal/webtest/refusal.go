package webtest

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// refusal says why a browser does not take a cookie, whatever else it has, or
// is empty.
func refusal(u *url.URL, c *http.Cookie) string {
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	script := strings.HasPrefix(name, "__http-") || strings.HasPrefix(name, "__host-http-")
	switch {
	case c.Name == "":
		return "no name"
	case len(c.Name)+len(c.Value) > maxCookie:
		return "too large"
	case len(c.Raw) > maxCookie:
		return "too large with its attributes"
	case len(c.Path) > maxAttribute || len(c.Domain) > maxAttribute:
		return "an attribute is too large"
	case c.Secure && u.Scheme != "https":
		return "Secure over plain http"
	case c.Domain != "" && !mayClaim(hostOf(u), domainOf(c)):
		return "another domain"
	case (host || script || strings.HasPrefix(name, "__secure-")) && !c.Secure:
		return "the prefix demands Secure"
	case host && (c.Domain != "" || c.Path != "/"):
		return "the prefix demands Path=/ and no Domain"
	case script && !c.HttpOnly:
		return "the prefix demands HttpOnly"
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return "SameSite=None without Secure"
	case c.Partitioned && !c.Secure:
		return "Partitioned without Secure"
	}
	return ""
}

// conflict says why a browser does not take a cookie beside those that it has,
// or is empty. The mutex is held.
func (j *Jar) conflict(u *url.URL, c *http.Cookie) string {
	k := newCookie(u, c)
	others := 0
	for _, old := range j.kept {
		if !old.alive() || k.replaces(old) && !(old.Secure && u.Scheme != "https") {
			continue
		}
		related := k.host == old.host || within(k.host, old.host) || within(old.host, k.host)
		if old.Secure && u.Scheme != "https" && k.Name == old.Name && related && under(k.Path, old.Path) {
			return "it would hide a Secure one"
		}
		if k.host == old.host {
			others++
		}
	}
	if k.alive() && others >= maxCookies {
		return "too many"
	}
	return ""
}

// mayClaim reports whether a host may set cookies for a domain: its own name,
// or one that it lies in and that is no top-level one.
func mayClaim(host, domain string) bool {
	return domain == host || within(host, domain) && strings.Contains(domain, ".")
}

// within reports whether a host lies in a domain, below its name.
func within(host, domain string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain)
}

// under reports whether a path is another one or lies below it.
func under(path, above string) bool {
	return path == above || strings.HasPrefix(path, strings.TrimSuffix(above, "/")+"/")
}

func hostOf(u *url.URL) string { return strings.ToLower(u.Hostname()) }

func domainOf(c *http.Cookie) string { return strings.ToLower(strings.TrimPrefix(c.Domain, ".")) }
