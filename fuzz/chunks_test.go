package fuzz_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzChunks has cookies that are split mixed up on their way: chunks of two
// states of one session, and of another one, that are dropped, exchanged,
// doubled, cut off, renamed or counted wrongly. A request has exactly what one
// of the cookies was made of, or no session at all; and after it has written
// something, a browser has no chunk left that could confuse the next one.
func FuzzChunks(f *testing.F) {
	cookies := splitCookies(f)
	for _, seed := range chunkSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		d := deal{cookies: cookies}
		for chunk := range slices.Chunk(steps[:min(len(steps), 3*64)], 3) {
			if len(chunk) == 3 {
				d.step(chunk[0], int(chunk[1]), int(chunk[2]))
			}
		}
		lines := d.lines()
		site := newSite(t, memory.New(), longCookies...)
		v, w := site.read(lines)
		require.NoError(t, site.failure)
		require.Empty(t, w.Header()["Set-Cookie"])
		blob := d.check(t, lines, v)

		_, _, w = site.write(lines, gimlet.ClientSide)
		require.NoError(t, site.failure)
		browser, unique := d.jar()
		if !unique {
			return // a browser that has two of one name cannot be told which to forget
		}
		browser.take(w)
		browser.complete(t)
		v, _ = site.read(browser.lines())
		require.Equal(t, "written", v.Values["note"])
		require.Equal(t, blob, v.Values["blob"])
	})
}

var longCookies = []gimlet.Option{
	gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32 << 10}),
	gimlet.WithLifetime(400 * 24 * time.Hour),
	gimlet.WithIdleTimeout(0),
}

// A split is a cookie in chunks.
type split struct {
	chunks []string // with the number of them in front
	text   string   // of its envelope
	blob   string   // the value in it
}

// splitCookies makes cookies of several lengths: the first two are states of
// one session, the others of one each.
func splitCookies(t testing.TB) []split {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	site := newSite(t, memory.New(), longCookies...)
	var cookies []split
	browser := jar{}
	for i, size := range []int{9_000, 13_000, 6_000, 100, 18_000} {
		blob := make([]byte, size)
		for i := range blob {
			blob[i] = byte('a' + random.IntN(26))
		}
		if i != 1 {
			browser = jar{}
		}
		browser.take(site.serve(browser.lines(), func(s *gimlet.Session) {
			s.Set("blob", string(blob), gimlet.ClientSide)
		}))
		require.NoError(t, site.failure)
		c := split{blob: string(blob), chunks: []string{browser[cookieName]}}
		for i := 1; browser[chunkName(i)] != ""; i++ {
			c.chunks = append(c.chunks, browser[chunkName(i)])
		}
		c.text = strings.Join(c.chunks, "")[1:]
		require.Equal(t, byte('0'+len(c.chunks)), c.chunks[0][0])
		cookies = append(cookies, c)
	}
	require.Len(t, cookies[0].chunks, 4)
	require.Len(t, cookies[3].chunks, 1)
	return cookies
}

// chunkName is the name of a chunk; from 8 on it is none of ours.
func chunkName(i int) string {
	if i == 0 {
		return cookieName
	}
	return fmt.Sprintf("%s.%d", cookieName, i)
}

// A dealt chunk is one that the request will bring.
type dealt struct {
	number int
	value  string
}

// A deal is what becomes of the cookies on their way.
type deal struct {
	cookies []split
	sent    []dealt
}

// step does one thing to what will be sent. Every choice means something.
func (d *deal) step(what byte, a, b int) {
	cookie := d.cookies[a%len(d.cookies)]
	if len(d.sent) == 0 || what%12 == 0 {
		for i, chunk := range cookie.chunks {
			d.sent = append(d.sent, dealt{i, chunk})
		}
		return
	}
	one := &d.sent[a%len(d.sent)]
	other := &d.sent[b%len(d.sent)]
	switch what % 12 {
	case 1: // drop
		d.sent = slices.Delete(d.sent, a%len(d.sent), a%len(d.sent)+1)
	case 2: // exchange what they say
		one.value, other.value = other.value, one.value
	case 3: // send in another order
		*one, *other = *other, *one
	case 4: // double
		d.sent = append(d.sent, *one)
	case 5: // cut off
		one.value = one.value[:len(one.value)*b/256]
	case 6: // one of another cookie in its place
		d.replace(one, d.cookies[b%len(d.cookies)])
	case 7: // count wrongly
		one.value = string(rune('0'+b%12)) + one.value[min(1, len(one.value)):]
	case 8:
		one.number = b % 10
	case 9: // a wrong character
		if at := b * len(one.value) / 256; at < len(one.value) {
			one.value = one.value[:at] + "-" + one.value[at+1:]
		}
	case 10: // split elsewhere
		cut := len(one.value) - min(b, len(one.value))
		d.prepend(one.number+1, one.value[cut:])
		one.value = one.value[:cut]
	case 11:
		one.value = ""
	}
}

func (d *deal) replace(c *dealt, by split) {
	if c.number < len(by.chunks) {
		c.value = by.chunks[c.number]
	}
}

// prepend puts text before the chunks of a number.
func (d *deal) prepend(number int, text string) {
	for i := range d.sent {
		if d.sent[i].number == number {
			d.sent[i].value = text + d.sent[i].value
		}
	}
}

func (d *deal) lines() []string {
	var pairs []string
	for _, c := range d.sent {
		pairs = append(pairs, chunkName(c.number)+"="+c.value)
	}
	return []string{strings.Join(pairs, "; ")}
}

// jar returns a browser that has what is sent, and whether there can be one.
func (d *deal) jar() (browser jar, unique bool) {
	browser = jar{}
	for _, c := range d.sent {
		browser[chunkName(c.number)] = c.value
	}
	return browser, len(browser) == len(d.sent)
}

// check requires that v shows one of the cookies that are really there, and
// returns its value; or nobody, and nil.
func (d *deal) check(t *testing.T, lines []string, v view) any {
	t.Helper()
	texts, plain := presented(lines, cookieName)
	for _, c := range d.cookies {
		if !slices.Contains(texts, c.text) {
			continue
		}
		if v.Values["blob"] == c.blob {
			require.Equal(t, []string{"blob"}, v.Keys)
			return c.blob
		}
		require.False(t, plain, "a cookie that is whole was not accepted")
	}
	require.Equal(t, nobody, v)
	return nil
}

// complete requires that a browser has the chunks that the first one speaks
// of, and no others.
func (j jar) complete(t *testing.T) {
	t.Helper()
	require.NotEmpty(t, j[cookieName])
	n := int(j[cookieName][0] - '0')
	for i := range 8 {
		_, ok := j[chunkName(i)]
		require.Equal(t, i < n, ok, "chunk %d of %d", i, n)
	}
}

func chunkSeeds() (seeds [][]byte) {
	const first, second, other, short, long = 0, 1, 2, 3, 4
	send := func(cookie byte) []byte { return []byte{0, cookie, 0} }
	for cookie := range byte(5) {
		seeds = append(seeds, send(cookie))
		for what := byte(1); what < 12; what++ {
			for at := range byte(4) {
				seeds = append(seeds, append(send(cookie), what, at, at+1))
			}
		}
	}
	for at := range byte(4) {
		for _, by := range []byte{second, other, short, long} {
			seeds = append(seeds, append(send(first), 6, at, by))
		}
	}
	return append(seeds,
		nil,
		slices.Concat(send(first), send(second)),
		slices.Concat(send(second), send(first), []byte{1, 0, 0, 1, 5, 0}),
		slices.Concat(send(long), send(short)),
		append(send(short), 7, 0, 2, 8, 0, 1),
		append(send(first), 10, 0, 200, 10, 1, 100, 10, 2, 250),
		append(send(first), 4, 0, 0, 4, 1, 0),
	)
}
