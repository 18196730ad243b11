//go:build unix

package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() { programs["until terminated"] = untilTerminated }

// A lifetime is the settings of the program until terminated.
type lifetime struct {
	Path   string
	Abrupt bool // it does not call Close
}

// A program that is asked to end, and closes what it has, loses nothing, not even values
// that are Quick.
func TestClose_terminated(t *testing.T) {
	began := time.Now()
	path := filepath.Join(t.TempDir(), "sessions.db")
	rounds, changes := rig.Tier(8, 200), 0
	var slowest time.Duration
	for range rounds {
		problem, n, took := terminate(t, lifetime{Path: path})
		require.Empty(t, problem)
		changes += n
		slowest = max(slowest, took)
	}
	rig.Figures(t, began, "%d times, %d acknowledged changes, none lost, ended %v after the signal at most",
		rounds, changes, slowest.Round(time.Millisecond))
	require.Greater(t, changes, rounds)
}

// A program that does not close what it has is found out.
func TestClose_terminated_control(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	for range 50 {
		if problem, _, _ := terminate(t, lifetime{Path: path, Abrupt: true}); problem != "" {
			t.Log(problem)
			return
		}
	}
	require.Fail(t, "a program that does not call Close passes")
}

// terminate has the program end at some moment, and looks for what it has reported.
func terminate(t *testing.T, l lifetime) (problem string, changes int, took time.Duration) {
	t.Helper()
	cmd := rig.Program(t, rig.This(), "until terminated", l)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	alive := map[string]int{}
	var signalled time.Time
	after := 20 + rand.IntN(200)
	for lines := bufio.NewScanner(out); lines.Scan(); changes++ {
		var token string
		var n int
		_, err := fmt.Sscan(lines.Text(), &token, &n)
		require.NoError(t, err)
		alive[token] = n
		if changes == after {
			signalled = time.Now()
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	require.NoError(t, cmd.Wait())
	took = time.Since(signalled)
	site, err := rig.OpenSite(l.Path)
	require.NoError(t, err)
	for token, n := range alive {
		s, err := site.Manager.Load(t.Context(), token)
		require.NoError(t, err)
		if got, _ := s.Get("n").(int); got < n {
			problem = fmt.Sprintf("n is %d: %d was acknowledged", got, n)
		}
	}
	require.NoError(t, site.Close())
	return problem, changes, took
}

// untilTerminated counts in sessions, in some of them with Quick, and reports each change
// that it was told is there.
func untilTerminated(args []string) error {
	var l lifetime
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return err
	}
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	site, err := rig.OpenSite(l.Path)
	if err != nil {
		return err
	}
	u := &siteUse{m: site.Manager, ctx: context.Background(), alive: map[string]int{}}
	u.say = func(token string, n int) { fmt.Println(token, n) }
	var users sync.WaitGroup
	for i := range 6 {
		change := u.change([]gimlet.Placement{gimlet.Quick, 0}[i%2])
		users.Go(func() {
			for terminated.Err() == nil {
				if err := change(); err != nil && !errors.Is(err, store.ErrClosed) {
					fmt.Println(err) // and that is no report
				}
			}
		})
	}
	<-terminated.Done()
	if l.Abrupt {
		os.Exit(0)
	}
	users.Wait()
	return site.Close()
}
