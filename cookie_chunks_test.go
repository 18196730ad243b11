package gimlet_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// pairs are the cookies that a page sets, by name.
func (p page) pairs() map[string]string {
	pairs := make(map[string]string)
	for _, c := range p.Cookies() {
		if c.MaxAge >= 0 {
			pairs[c.Name] = c.Name + "=" + c.Value
		}
	}
	return pairs
}

// A session whose chunks do not belong together is none: the request goes on
// without, and the next write leaves the browser with good cookies only. Each
// case changes the cookies of a session with four chunks, given those of a
// later time and of another session.
func TestCookieChunks_broken(t *testing.T) {
	const id, one, two, three = "__Host-id", "__Host-id.1", "__Host-id.2", "__Host-id.3"
	tests := map[string]func(pairs, later, other map[string]string) []string{
		"first missing": func(p, _, _ map[string]string) []string { return []string{p[one], p[two], p[three]} },
		"second missing": func(p, _, _ map[string]string) []string {
			return []string{p[id], p[two], p[three]}
		},
		"last missing": func(p, _, _ map[string]string) []string { return []string{p[id], p[one], p[two]} },
		"all missing":  func(p, _, _ map[string]string) []string { return []string{p[id]} },
		"first is old": func(p, q, _ map[string]string) []string { return []string{p[id], q[one], q[two], q[three]} },
		"first is new": func(p, q, _ map[string]string) []string { return []string{q[id], p[one], p[two], p[three]} },
		"last is old":  func(p, q, _ map[string]string) []string { return []string{q[id], q[one], q[two], p[three]} },
		"of two":       func(p, _, r map[string]string) []string { return []string{p[id], p[one], r[two], p[three]} },
		"swapped": func(p, _, _ map[string]string) []string {
			return []string{p[id], one + p[two][11:], two + p[one][11:], p[three]}
		},
		"empty": func(p, _, _ map[string]string) []string { return []string{p[id], one + "=", p[two], p[three]} },
		"twice": func(p, _, r map[string]string) []string { return []string{p[id], p[one], r[one], p[two], p[three]} },
		"fewer counted": func(p, _, _ map[string]string) []string {
			return []string{id + "=3" + p[id][11:], p[one], p[two], p[three]}
		},
		"more counted": func(p, _, _ map[string]string) []string {
			return []string{id + "=5" + p[id][11:], p[one], p[two], p[three], "__Host-id.4=AAAA"}
		},
		"first alone": func(p, _, _ map[string]string) []string {
			return []string{id + "=1" + p[id][11:], p[one], p[two], p[three]}
		},
	}
	for name, pick := range tests {
		t.Run(name, func(t *testing.T) {
			site, _, _ := carrier(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32768}))
			b, jar := site.strictBrowser()
			first := b.ok("/carry?n=9500")
			second := b.ok("/carry?n=9500")
			third := site.ask("/carry?n=9500")
			lines := pick(first.pairs(), second.pairs(), third.pairs())
			require.Len(t, first.Cookies(), 4)
			require.Equal(t, "9500 0 <nil>", site.ask("/lengths", slices.Collect(maps.Values(second.pairs()))...).body)

			p := site.ask("/lengths", lines...)
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Equal(t, "0 0 <nil>", p.body)
			require.Empty(t, p.Cookies(), "nothing that could overwrite a newer one")

			// The browser has these now. The next write repairs it.
			var broken []*http.Cookie
			for _, line := range lines {
				name, value, _ := strings.Cut(line, "=")
				broken = append(broken, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true})
			}
			jar.Clear()
			b.set(broken...)
			require.Empty(t, jar.Refused())
			b.ok("/carry?n=10")
			require.Equal(t, []string{id}, jar.Names())
			require.Equal(t, "10 0 <nil>", b.ok("/lengths").body)
		})
	}
}

// Chunks beyond those that are counted, left over by a response that was
// overtaken, do no harm, and the next cookie expires them. So do chunks that
// come twice with one value, or once without any.
func TestCookieChunks_leftOver(t *testing.T) {
	site, _, _ := carrier(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32768}))
	good := site.ask("/carry?n=5000")
	require.Len(t, good.Cookies(), 2)
	one := good.pairs()["__Host-id.1"]
	for _, more := range []string{"__Host-id.2=AAAA", "__Host-id.7=AAAA", one, "__Host-id.1="} {
		for _, lines := range [][]string{{good.line(), more}, {more, good.line()}} {
			p := site.ask("/lengths", lines...)
			require.Equal(t, "5000 0 <nil>", p.body, more)
			require.Empty(t, p.Cookies())
		}
	}
	p := site.ask("/carry?n=5", good.line(), "__Host-id.4=AAAA")
	var gone []string
	for _, c := range p.Cookies() {
		if c.MaxAge < 0 {
			gone = append(gone, c.Name)
		}
	}
	require.Equal(t, []string{"__Host-id.1", "__Host-id.2", "__Host-id.3", "__Host-id.4"}, gone)
}

// Only numbers of chunks that exist are ours, and what a client sends does not
// make the response grow beyond them.
func TestCookieChunks_expiredAreBounded(t *testing.T) {
	site, _, _ := carrier(t)
	p := site.ask("/carry?n=5", "__Host-id=!; __Host-id.7=x; __Host-id.8=x; __Host-id.99999999=x; __Host-id.t.7=x; __Host-id.t.9=x")
	require.Len(t, p.Cookies(), 8, "one that is set and the chunks up to the last number")
	require.Equal(t, http.StatusOK, p.StatusCode)
}
