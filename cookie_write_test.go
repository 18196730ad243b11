package gimlet_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// carrier is a site whose pages put as many random bytes into cookies as the
// query says: n into the one, t into the one that ends with the browser.
func carrier(t testing.TB, opts ...gimlet.Option) (*site, *gimlet.Manager, *error) {
	var failure error
	opts = append(opts, gimlet.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
		failure = err
		w.WriteHeader(http.StatusInternalServerError)
	}))
	m := newManager(t, append(opts, gimlet.WithCache(0))...)
	site := newLocal(t, m)
	site.on("/carry", func(s *gimlet.Session, w http.ResponseWriter, r *http.Request) {
		for name, at := range map[string]gimlet.Placement{"n": gimlet.ClientSide, "t": gimlet.ClientSide | gimlet.Transient} {
			if r.URL.Query().Has(name) {
				n, err := strconv.Atoi(r.URL.Query().Get(name))
				if err != nil {
					panic(err)
				}
				value := make([]byte, n)
				rand.Read(value)
				s.Set(name, value, at)
			}
		}
		if r.URL.Query().Has("server") {
			s.Set("server", r.URL.Query().Get("server"))
		}
	})
	site.on("/lengths", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		n, _ := s.Get("n").([]byte)
		t, _ := s.Get("t").([]byte)
		_, _ = fmt.Fprint(w, len(n), " ", len(t), " ", s.Get("server"))
	})
	return site, m, &failure
}

// wire is the size of all cookies that a page sets, names and attributes
// included. It requires what must be so of each.
func wire(t testing.TB, p page) int {
	t.Helper()
	total := 0
	seen := make(map[string]bool)
	for _, c := range p.Cookies() {
		require.False(t, seen[c.Name], "two cookies of one name")
		seen[c.Name] = true
		require.LessOrEqual(t, len(c.Raw), 4096)
		require.Regexp(t, `^[0-9A-Za-z_-]*$`, c.Value)
		if c.MaxAge >= 0 {
			total += len(c.Raw)
		}
	}
	return total
}

// Values of every size up to Cookie.MaxBytes travel in cookies of at most 4096
// bytes each, names and attributes included; beyond it the session fails with
// ErrTooLarge, nothing is written and no cookie is sent.
func TestCookieWrite_everySize(t *testing.T) {
	for _, most := range []int{1024, 4096, 8192, 32768} {
		for _, cookie := range []gimlet.Cookie{{}, {Signed: true}, {Path: "/carry" + strings.Repeat("x", 60)}} {
			cookie.MaxBytes = most
			site, m, failure := carrier(t, gimlet.WithCookie(cookie))
			largest, fits := 0, true
			for n := 0; n < most; n += 1 + most/30 {
				p := site.ask("/carry?server=x&t=100&n=" + strconv.Itoa(n))
				total := wire(t, p)
				if p.StatusCode == http.StatusOK {
					require.True(t, fits, "a smaller one did not fit")
					require.Positive(t, total)
					require.LessOrEqual(t, total, most)
					largest = total
					got := site.ask("/lengths", p.line())
					require.Equal(t, fmt.Sprint(n, " 100 x"), got.body)
					continue
				}
				fits = false
				require.ErrorIs(t, *failure, gimlet.ErrTooLarge)
				require.Empty(t, p.Cookies())
			}
			require.False(t, fits)
			require.Greater(t, largest, most-most/8-300, "little room is left unused")
			saves := m.Stats().Store.Saves
			site.ask("/carry?server=x&n=" + strconv.Itoa(most))
			require.Equal(t, saves, m.Stats().Store.Saves)
		}
	}
}

// When values shrink, the chunks that are left over are expired in the same
// response, in both cookies: the browser keeps what belongs together.
func TestCookieWrite_shrinking(t *testing.T) {
	site, _, _ := carrier(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32768}))
	b, jar := site.strictBrowser()
	for _, size := range []struct{ n, t, cookies int }{
		{0, 0, 2}, {5000, 0, 3}, {10, 5000, 3}, {9000, 9000, 8}, {18000, 2000, 8}, {100, 100, 2}, {1, 11000, 5}, {1, 1, 2},
	} {
		p := b.ok(fmt.Sprintf("/carry?n=%d&t=%d", size.n, size.t))
		wire(t, p)
		require.Empty(t, jar.Refused())
		require.Len(t, jar.Names(), size.cookies, "%v", size)
		require.Equal(t, fmt.Sprint(size.n, " ", size.t, " <nil>"), b.ok("/lengths").body)
	}
}

// Beyond Cookie.MaxBytes nothing of the request is kept, on either side, and
// what was there before stays.
func TestCookieWrite_tooLargeChangesNothing(t *testing.T) {
	site, m, failure := carrier(t)
	b, _ := site.strictBrowser()
	b.ok("/carry?n=10&t=10&server=before")
	stats := m.Stats()
	for _, query := range []string{"n=9000", "t=9000", "n=4000&t=4000", "n=100000"} {
		p := b.get("/carry?server=after&" + query)
		require.Equal(t, http.StatusInternalServerError, p.StatusCode, query)
		require.ErrorIs(t, *failure, gimlet.ErrTooLarge)
		require.Empty(t, p.Cookies())
	}
	require.Equal(t, stats.Store.Saves, m.Stats().Store.Saves)
	require.Equal(t, "10 10 before", b.ok("/lengths").body)
	require.Equal(t, http.StatusOK, b.get("/carry?server=after").StatusCode)
}

// A session in the cookie moves to the store when its cookies would exceed
// Cookie.MaxBytes, with names and attributes, also if WithCookieOnly allowed
// more.
func TestCookieWrite_movesBeforeItIsTooLarge(t *testing.T) {
	path := "/" + strings.Repeat("p", 800)
	site, m, _ := carrier(t, gimlet.WithCookieOnly(7680), gimlet.WithCookie(gimlet.Cookie{Path: path}))
	site.on("/fill", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		s.Set("server", strings.Repeat("x", len(r.URL.RawQuery)))
	})
	for n := range 60 {
		p := site.ask("/fill?" + strings.Repeat("x", n*100))
		require.Equal(t, http.StatusOK, p.StatusCode, "%d bytes", n*100)
		require.LessOrEqual(t, wire(t, p), 8192)
	}
	require.Positive(t, records(t, m))
	require.Less(t, records(t, m), 59, "small ones live in the cookie")
}

// What fitted when it was set still fits when the cookie is sent again later,
// when its times have become longer.
func TestCookieWrite_fitsForLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, _, _ := carrier(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32768}), gimlet.WithLifetime(400*24*time.Hour))
		var lines []string
		fits := func(n int) bool {
			p := site.ask("/carry?n=" + strconv.Itoa(n))
			if p.StatusCode == http.StatusOK {
				lines = append(lines, p.line())
			}
			return p.StatusCode == http.StatusOK
		}
		most := sort.Search(32768, func(n int) bool { return !fits(n) }) - 1
		require.Greater(t, most, 20_000)
		lines = nil
		for n := most - 31; n <= most; n++ { // a whole bucket of the padding
			require.True(t, fits(n))
		}
		for range 2 {
			time.Sleep(20 * time.Hour)
			for i, line := range lines {
				p := site.ask("/lengths", line)
				require.Equal(t, http.StatusOK, p.StatusCode)
				require.NotEmpty(t, p.Cookies())
				lines[i] = p.line()
			}
		}
	})
}
