package gimlet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A hostile is a site for hostile requests: it tells what it has read, and of which cookies it has
// said in its events that they were not accepted.
type hostile struct {
	*site
	m    *gimlet.Manager
	book *eventBook
	pair string // of a live session, __Host-id=…
}

func newHostile(t testing.TB, opts ...gimlet.Option) *hostile {
	r := &hostile{book: &eventBook{}}
	r.m = newManager(t, append(opts, gimlet.WithCache(0), r.book.option())...)
	r.site = newLocal(t, r.m).begins()
	r.pair = r.ask("/set").line()
	r.book.take()
	return r
}

// value is that of the live session's cookie.
func (r *hostile) value() string { return strings.TrimPrefix(r.pair, "__Host-id=") }

// another is the cookie of another live session.
func (r *hostile) another() string {
	pair := r.ask("/set").line()
	r.book.take()
	return pair
}

// reads requires what a request with lines reads, that nothing else happens,
// and, if it reads nothing, why.
func (r *hostile) reads(body string, reason gimlet.Reason, lines ...string) {
	r.t.Helper()
	before := r.m.Stats()
	p := r.ask("/get", lines...)
	require.Equal(r.t, http.StatusOK, p.StatusCode)
	require.Equal(r.t, body, p.body, "%.200q", lines)
	require.Empty(r.t, p.Header["Set-Cookie"])
	after := r.m.Stats()
	require.Equal(r.t, before.Store.Saves, after.Store.Saves)
	var reasons []gimlet.Reason
	for _, e := range r.book.take() {
		require.Equal(r.t, gimlet.EventRejected, e.Kind)
		reasons = append(reasons, e.Reason)
	}
	if reason == 0 {
		require.Empty(r.t, reasons, "%.200q", lines)
		return
	}
	require.Equal(r.t, []gimlet.Reason{reason}, reasons, "%.200q", lines)
	require.Equal(r.t, before.Rejected+1, after.Rejected)
	require.Equal(r.t, before.Loads, after.Loads, "no store lookup")
}

// Only cookies of exactly our name are ours: no other case, no encoding, no
// nameless cookie whose value looks like one.
func TestCookieRead_otherNames(t *testing.T) {
	r := newHostile(t)
	v := r.value()
	for _, line := range []string{
		"__host-id=" + v, "__HOST-ID=" + v, "__Host-ID=" + v, "%5F_Host-id=" + v, "_%5FHost-id=" + v, "..Host-id=" + v,
		"=__Host-id=" + v, "==" + v, "id=" + v, "__Secure-id=" + v, "__Host-id", "__Host-id " + v, "__Host-id =" + v,
		"x__Host-id=" + v, "__Host-id.=" + v, "__Host-idx=" + v, "__Host-id.8=" + v, "__Host-id.0=" + v, "__Host-id.01=" + v,
		"__Host-id.t.=" + v, "__Host-id[0]=" + v, "\"__Host-id\"=" + v, "\x00__Host-id=" + v, "__Host-id\x00=" + v,
		"__Host.id=" + v, "__Host id=" + v, "$Version=1", ";;;", "", " ", "=", "a,__Host-id=" + v,
	} {
		r.reads("", 0, line)
		r.reads("five", 0, line+"; "+r.pair)
		r.reads("five", 0, r.pair+"; "+line)
		r.reads("five", 0, r.pair, line)
	}
}

// Blanks between cookies do not matter, and cookies may come in several header
// lines, as HTTP/2 sends them.
func TestCookieRead_lines(t *testing.T) {
	r := newHostile(t)
	for _, lines := range [][]string{
		{"a=1", r.pair, "b=2"}, {"a=1; b=2", "c=3;" + r.pair}, {r.pair + ";"}, {";" + r.pair}, {" \t" + r.pair + " "},
		{"a=1;;" + r.pair + ";;"}, {"quoted=\"a;b\"; " + r.pair}, {"open=\"never closed; " + r.pair + "; x=\""}, {"\xff\xfe; " + r.pair},
	} {
		r.reads("five", 0, lines...)
	}
}

// A value in another form than ours is no session: the request goes on without
// one, an event is counted, nothing is created, no cookie is sent.
func TestCookieRead_malformed(t *testing.T) {
	r := newHostile(t)
	v := r.value()
	tests := map[gimlet.Reason][]string{
		gimlet.ReasonMalformed: {
			"", "1", "0", "\"" + v + "\"", v + "=", "0" + v[1:], v[1:], "a" + v[1:], "9" + v[1:], "99999999" + v[1:],
			"-1" + v[1:], "+1" + v[1:], "\x01" + v[1:], "٣" + v[1:], " " + v[1:] + "!", "2" + v[1:], "8" + v[1:], "1" + v,
			v[:20] + "%0A" + v[20:], v[:20] + "\x00" + v[20:], v[:20] + "/../" + v[20:], strings.Repeat("A", 64<<10),
			"1" + strings.Repeat("A", 64<<10), "../../etc/passwd", "' OR 1=1 --", "<script>", "{}", "null", "\xff\xff\xff\xff", v + "," + v,
		},
		gimlet.ReasonTampered: {v[:len(v)-4], v[:40] + "AAAA" + v[44:], v + "AAAA"},
		gimlet.ReasonStaleKey: {v[:3] + "AAAA" + v[7:]},
	}
	for reason, values := range tests {
		for _, value := range values {
			r.reads("", reason, "__Host-id="+value)
		}
	}
}

// Nobody can tell from the answer why a cookie was not accepted, or that there
// was one.
func TestCookieRead_failuresLookAlike(t *testing.T) {
	r := newHostile(t)
	v := r.value()
	foreign := newLocal(t, newManager(t)).begins().ask("/set").line()
	dead := r.another()
	r.ask("/destroy", dead)
	want := r.ask("/get")
	for _, line := range []string{"__Host-id=!", "__Host-id=" + v[:len(v)-4], foreign, dead, r.pair + "; " + r.another()} {
		p := r.ask("/get", line)
		require.Equal(t, want.StatusCode, p.StatusCode)
		require.Equal(t, want.Header, p.Header)
		require.Equal(t, want.body, p.body)
	}
}

// With several cookies of our name, identical ones are one; exactly one that
// opens is used; of two that open none is, in whatever order they come.
func TestCookieRead_severalOfOurName(t *testing.T) {
	r := newHostile(t)
	v := r.value()
	bad := []string{"__Host-id=", "__Host-id=!", "__Host-id=1" + strings.Repeat("A", 90), "__Host-id=" + v[:len(v)-4]}
	orders := func(body string, reason gimlet.Reason, a, b string) {
		t.Helper()
		r.reads(body, reason, a+"; "+b)
		r.reads(body, reason, b+"; "+a)
		r.reads(body, reason, a, b)
		r.reads(body, reason, b, a)
		r.reads(body, reason, a+"; "+b+"; "+a+"; "+b)
	}
	orders("five", 0, r.pair, r.pair)
	for _, other := range bad {
		orders("five", 0, r.pair, other)
	}
	orders("", gimlet.ReasonDuplicate, r.pair, r.another())
	r.reads("", gimlet.ReasonDuplicate, r.pair, r.another(), bad[1])
	r.reads("five", 0, bad[0], bad[1], r.pair, bad[2])

	// More than a jar can have in earnest are not tried at all.
	r.reads("", gimlet.ReasonDuplicate, r.pair, bad[0], bad[1], bad[2], bad[3])
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprintf("__Host-id=%d", i)
	}
	r.reads("", gimlet.ReasonDuplicate, strings.Join(many, "; "))
}

// A token is read from the cookie and from nowhere else.
func TestCookieRead_onlyFromTheCookie(t *testing.T) {
	r := newHostile(t)
	v := r.value()
	for _, query := range []string{"?__Host-id=" + v, "?id=" + v, "?token=" + v, "?__Host-id=" + v + "&n=5"} {
		require.Empty(t, r.ask("/get"+query).body)
	}
	for _, name := range []string{"Authorization", "X-Session", "X-Token", "Set-Cookie", "Cookie2", "X-Cookie"} {
		req, err := http.NewRequest(http.MethodPost, r.URL+"/get", strings.NewReader("__Host-id="+v))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, value := range []string{r.pair, v, v[1:], "Bearer " + v[1:]} {
			req.Header.Add(name, value)
		}
		require.Empty(t, r.send(req).body)
	}
}
