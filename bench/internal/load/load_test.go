package load_test

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// echo answers with the path and the cookie, in both kinds of server.
func echo() map[string]*peer.Server {
	return map[string]*peer.Server{
		"net/http": {Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/missing" {
				http.NotFound(w, r)
				return
			}
			w.Header().Add("Set-Cookie", "a=1")
			_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("Cookie"))
		})},
		"fasthttp": {Fast: func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/missing" {
				ctx.NotFound()
				return
			}
			ctx.Response.Header.Add("Set-Cookie", "a=1")
			ctx.SetBodyString(string(ctx.Path()) + " " + string(ctx.Request.Header.Peek("Cookie")))
		}},
	}
}

func TestLocal(t *testing.T) {
	for name, s := range echo() {
		t.Run(name, func(t *testing.T) {
			c := load.Local(s)
			for _, cookie := range []string{"k=1", "k=2"} {
				require.NoError(t, c.Call("/path?query", cookie))
				require.Equal(t, "/path "+cookie, string(c.Body()))
				require.Equal(t, []string{"a=1"}, c.SetCookies())
			}
			require.ErrorContains(t, c.Call("/missing", ""), "404")
			require.NoError(t, c.Call("/path", ""))
		})
	}
}

func TestConn(t *testing.T) {
	for name, s := range echo() {
		t.Run(name, func(t *testing.T) {
			addr, stop, err := load.Serve(s)
			require.NoError(t, err)
			c, err := load.Dial(addr)
			require.NoError(t, err)
			require.NoError(t, c.Call("/path", "k=1"))
			require.NoError(t, c.Call("/other", "k=2"))
			require.ErrorContains(t, c.Call("/missing", ""), "404")
			require.NoError(t, c.Close())
			require.NoError(t, stop())
			require.Error(t, c.Call("/path", ""))
		})
	}
}

// counting is a caller that counts, and fails in the end.
type counting struct {
	calls, writes atomic.Int64
	fails         int64
}

func (c *counting) Call(target, cookie string) error {
	if target == string(site.Write) {
		c.writes.Add(1)
	}
	if n := c.calls.Add(1); c.fails > 0 && n >= c.fails {
		return errors.New("broken")
	}
	return nil
}

func TestRun(t *testing.T) {
	c := &counting{}
	l := load.Load{
		Cookies: site.NewJar(10), Pick: load.Uniform(10), Page: site.Read, Writes: 0.1,
		Duration: 50 * time.Millisecond,
	}
	r, err := load.Run(l, []load.Caller{c, c, c})
	require.NoError(t, err)
	require.EqualValues(t, c.calls.Load(), r.Requests)
	require.Equal(t, r.Requests, r.Latency.Count())
	require.GreaterOrEqual(t, r.Elapsed, l.Duration)
	require.InDelta(t, 0.1, float64(c.writes.Load())/float64(c.calls.Load()), 0.05)
	require.InEpsilon(t, float64(r.Requests)/r.Elapsed.Seconds(), r.Rate(), 1e-9)
	require.Equal(t, r.Rate(), r.SlowestSecond(), "there was no whole second")

	r = &load.Result{Elapsed: 2500 * time.Millisecond, Requests: 25, Seconds: []uint64{12, 8, 5}}
	require.Equal(t, 8.0, r.SlowestSecond())

	goOn := c.calls.Load() + 200_000
	l.While = func() bool { return c.calls.Load() < goOn }
	l.Duration = time.Nanosecond
	r, err = load.Run(l, []load.Caller{c})
	require.NoError(t, err)
	require.EqualValues(t, 200_000, r.Requests)

	l.While, l.Duration = nil, time.Minute
	c.fails = c.calls.Load() + 5
	_, err = load.Run(l, []load.Caller{c})
	require.ErrorContains(t, err, "broken")
}

func TestMeasure(t *testing.T) {
	s, err := peer.Bare.Open(t.TempDir())
	require.NoError(t, err)
	cost, err := load.Measure(load.Local(s), site.Untouched, site.NewJar(2), 20*time.Millisecond)
	require.NoError(t, err)
	require.InDelta(t, 1, cost.Allocs, 0.5, "the copy of the request and nothing else")
	require.Positive(t, cost.CPU)
	_, err = load.Measure(load.Local(s), "/none", site.NewJar(2), 20*time.Millisecond)
	require.ErrorContains(t, err, "404")
}

// A store that was filled without syncing is synced again afterwards, also
// when filling has failed: it would be measured without, otherwise.
func TestFill_hurry(t *testing.T) {
	for path, fails := range map[string]bool{"/fine": false, "/missing": true} {
		s := echo()["net/http"]
		var hurried []bool
		s.Hurry = func(on bool) { hurried = append(hurried, on) }
		_, err := load.FillWith(s, 3, func(int) string { return path })
		require.Equal(t, fails, err != nil)
		require.Equal(t, []bool{true, false}, hurried)
	}
}
