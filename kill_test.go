package gimlet_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

const killEnv = "GIMLET_TEST_KILL"

// endings are what makes a cookie worthless that can speak without its record.
var endings = map[string]func(t *testing.T, m *gimlet.Manager, s *gimlet.Session){
	"logout": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) { require.NoError(t, s.Destroy(t.Context())) },
	"renew": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) {
		require.NoError(t, s.Renew(t.Context()))
	},
	"login": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) {
		require.NoError(t, s.Login(t.Context(), "bob"))
	},
	"shorten": func(_ *testing.T, _ *gimlet.Manager, s *gimlet.Session) { s.SetIdleTimeout(1e9) },
	"revoke": func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) {
		require.NoError(t, m.Revoke(t.Context(), s.ID()))
	},
	"revoke owner": func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) {
		require.NoError(t, s.Login(t.Context(), "alice"))
		require.NoError(t, s.Commit(t.Context()))
		_, err := m.RevokeOwner(t.Context(), "alice")
		require.NoError(t, err)
	},
	"nothing": func(*testing.T, *gimlet.Manager, *gimlet.Session) {},
	"all":     func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) { require.NoError(t, m.RevokeAll(t.Context())) },
}

// keepers serves a site whose sessions show something without a record: a
// client-side value, or all of them.
func keepers(t *testing.T, m *gimlet.Manager, ending string) *site {
	site := newLocal(t, m)
	site.do("/cookie", func(s *gimlet.Session) { s.Set("a", 1); s.Set("b", "alone") })
	site.do("/client", func(s *gimlet.Session) { s.Set("a", 1, gimlet.ClientSide); s.SetStored(true) })
	site.do("/end", func(s *gimlet.Session) {
		require.True(t, s.Has("a"))
		endings[ending](t, m, s)
	})
	return site
}

// endAndHang is what the killed process does: it ends sessions, and says which
// cookies they had when that has returned.
func endAndHang(t *testing.T, path, ending string) {
	m, err := gimlet.New(bolt.Open(path), gimlet.WithCookieOnly(2000))
	require.NoError(t, err)
	site := keepers(t, m, ending)
	for _, kind := range []string{"/cookie", "/client"} {
		line := site.ask(kind).line()
		site.ask("/end", line)
		fmt.Println(line)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
}

// What has ended, and the cookies from before a new token, stay worthless when
// the process is killed the moment after: that is on disk before the call, or
// the response, returns.
func TestKill_endingsAreDurable(t *testing.T) {
	if args := os.Getenv(killEnv); args != "" {
		path, ending, _ := strings.Cut(args, "|")
		endAndHang(t, path, ending)
		return
	}
	for ending := range endings {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/sessions.db"
			cmd := exec.Command(os.Args[0], "-test.run=^TestKill_endingsAreDurable$")
			cmd.Env = append(os.Environ(), killEnv+"="+path+"|"+ending)
			in, err := cmd.StdinPipe() // ends with this process
			require.NoError(t, err)
			defer in.Close()
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Wait() }()
			defer func() { _ = cmd.Process.Kill() }()
			var cookies []string
			for lines := bufio.NewScanner(out); len(cookies) < 2 && lines.Scan(); {
				cookies = append(cookies, lines.Text())
			}
			require.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
			require.Len(t, cookies, 2)
			withFile(t, path, func(m *gimlet.Manager) {
				shown := 0
				site := newLocal(t, m).do("/read", func(s *gimlet.Session) { shown = s.Len() })
				for _, line := range cookies {
					site.ask("/read", line)
					require.Equal(t, ending == "nothing", shown > 0)
				}
			}, gimlet.WithCookieOnly(2000))
		})
	}
}
