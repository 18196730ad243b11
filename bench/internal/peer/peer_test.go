package peer_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// browser keeps the cookies that it is sent.
type browser struct {
	load.LocalCaller
	cookie string
}

func (b *browser) get(t *testing.T, target string) string {
	t.Helper()
	require.NoError(t, b.Call(target, b.cookie))
	if cookie := site.CookieHeader(b.SetCookies()); cookie != "" {
		b.cookie = cookie
	}
	return string(b.Body())
}

// Every contestant does the work that it is measured at: it keeps what was
// set, counts every write, knows sessions from each other, and finds kept
// sessions again after it was closed.
func TestPeers(t *testing.T) {
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, p, dir)
			anna, bruno := &browser{LocalCaller: load.Local(s)}, &browser{LocalCaller: load.Local(s)}
			anna.get(t, site.Query(1, site.NoteBytes))
			bruno.get(t, site.Query(2, site.NoteBytes))
			names := []string{site.Of(1, 0).Name, site.Of(2, 0).Name}

			anna.get(t, string(site.Untouched))
			require.Equal(t, site.Shown(names[0], 0), anna.get(t, string(site.Read)))
			require.Equal(t, site.Shown("", 1), anna.get(t, string(site.Write)))
			require.Equal(t, site.Shown("", 2), anna.get(t, string(site.Write)))
			require.Equal(t, site.Shown(names[0], 2), anna.get(t, string(site.Read)))
			require.Equal(t, site.Shown(names[1], 0), bruno.get(t, string(site.Read)))

			small := &browser{LocalCaller: load.Local(s)}
			small.get(t, string(site.CreateSmall))
			require.Equal(t, site.Language, small.get(t, string(site.ReadSmall)))

			require.NoError(t, s.Close())
			s = open(t, p, dir)
			anna.LocalCaller = load.Local(s)
			if p.Kept {
				require.Equal(t, site.Shown(names[0], 2), anna.get(t, string(site.Read)))
			} else {
				require.Error(t, anna.Call(string(site.Read), anna.cookie))
			}
			require.NoError(t, s.Close())
		})
	}
}

func open(t *testing.T, p peer.Peer, dir string) *peer.Server {
	t.Helper()
	s, err := p.Open(dir)
	if errors.Is(err, peer.ErrNoRedis) {
		t.Skip(err)
	}
	require.NoError(t, err)
	// Also when a test fails: a Redis server would go on without it.
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.True(t, (s.Handler == nil) != (s.Fast == nil))
	return s
}

// A request without its session is not answered as if there were one: such
// answers would be the fastest of all.
func TestPeers_withoutSession(t *testing.T) {
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			s := open(t, p, t.TempDir())
			for _, page := range []site.Page{site.Read, site.Write, site.ReadSmall, "/nothing"} {
				require.ErrorContains(t, load.Local(s).Call(string(page), "session=none"), "404", page)
			}
			require.Error(t, load.Local(s).Call(string(site.Create), ""), "which values?")
		})
	}
}

// What a peer says of where its sessions are is so.
func TestPeers_flags(t *testing.T) {
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			s := open(t, p, t.TempDir())
			b := &browser{LocalCaller: load.Local(s)}
			b.get(t, site.Query(1, site.NoteBytes))
			old := b.cookie
			b.get(t, string(site.Write))
			shown := map[bool]string{true: site.Shown(site.Of(1, 0).Name, 0), false: site.Shown(site.Of(1, 0).Name, 1)}
			b.cookie = old
			require.Equal(t, shown[p.CookieState], b.get(t, string(site.Read)))
		})
	}
}

// Expire removes what has expired, and only that.
func TestGimlet_expire(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, peer.Gimlet, dir)
		const life = time.Minute
		short, err := load.FillWith(s, 20, func(i int) string { return site.ShortQuery(i, 50, life) })
		require.NoError(t, err)
		long, err := load.Fill(s, 20, 50)
		require.NoError(t, err)
		c := load.Local(s)
		time.Sleep(life - time.Second)
		require.NoError(t, s.Expire())
		require.NoError(t, c.Call(string(site.Read), short.Get(0)))
		time.Sleep(2 * time.Second)
		require.NoError(t, s.Expire())
		require.EqualValues(t, 20, s.Manager.Stats().Swept)
		require.ErrorContains(t, c.Call(string(site.Read), short.Get(0)), "404")
		require.NoError(t, c.Call(string(site.Read), long.Get(0)))
	})
}

func TestFill(t *testing.T) {
	for _, p := range []peer.Peer{peer.Gimlet, peer.SCSBolt, peer.FiberBolt, peer.GorillaCookie} {
		t.Run(p.Name, func(t *testing.T) {
			s := open(t, p, t.TempDir())
			const n = 300
			jar, err := load.Fill(s, n, 500)
			require.NoError(t, err)
			require.Equal(t, n, jar.Len())
			for _, i := range []int{0, 1, n - 1} {
				b := &browser{LocalCaller: load.Local(s), cookie: jar.Get(i)}
				require.Equal(t, site.Shown(site.Of(i, 0).Name, 0), b.get(t, string(site.Read)))
			}
		})
	}
}

func TestFill_errors(t *testing.T) {
	s := &peer.Server{Handler: http.NotFoundHandler()}
	_, err := load.Fill(s, 3, 10)
	require.ErrorContains(t, err, "404")
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	_, err = load.Fill(s, 3, 10)
	require.ErrorContains(t, err, "without a cookie")
	jar, err := load.Fill(s, 0, 10)
	require.NoError(t, err)
	require.Zero(t, jar.Len())
}
