package crash_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A site with 32 visitors is killed again and again, and also as it starts and moves
// the journal of the one before. What it has answered holds.
func TestKill(t *testing.T) {
	began := time.Now()
	k := killing{t: t, path: filepath.Join(t.TempDir(), "sessions.db"), visits: newVisits()}
	cycles := rig.Tier(40, 2000)
	for n := range cycles {
		require.Empty(t, k.cycle(n), "cycle %d", n)
	}
	require.Empty(t, k.judge(math.MaxInt))
	rig.Figures(t, began, "%d kills, %d of them as it started, %d sessions, %d acknowledged changes, none lost",
		cycles+k.starting, k.starting, len(k.visits.sessions), k.visits.acknowledged)
	require.Greater(t, k.visits.acknowledged, 50*cycles)
}

// A killing is one kill after the other.
type killing struct {
	t        *testing.T
	path     string
	binary   string // of the program, this one by default
	early    bool   // the program reports what it is about to do
	compacts bool   // the program compacts its file all the time
	reports  int    // how many it makes at most until it is killed, 500 by default
	visits   *visits
	starting int // how often it was killed as it started
}

// cycle runs the program until it has reported enough, and returns what is wrong with
// what it leaves. In between it is killed as it starts.
func (k *killing) cycle(n int) string {
	k.t.Helper()
	k.kill(n, 50+rand.IntN(cmp.Or(k.reports, 500)), time.Minute)
	for range rand.IntN(3) {
		k.starting++
		k.kill(-k.starting, math.MaxInt, time.Duration(rand.IntN(40))*time.Millisecond)
	}
	return k.judge(100)
}

// kill runs the program, and kills it after a number of reports or after some time.
func (k *killing) kill(cycle, reports int, after time.Duration) {
	k.t.Helper()
	cmd := rig.Program(k.t, cmp.Or(k.binary, rig.This()), "serve", service{Path: k.path, Cycle: cycle, Early: k.early, Compacts: k.compacts})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_, err := cmd.StdinPipe() // ends with this process
	require.NoError(k.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(k.t, err)
	require.NoError(k.t, cmd.Start())
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	n := 0
	for ; lines.Scan(); n++ {
		if n == reports {
			require.NoError(k.t, cmd.Process.Kill())
		}
		require.NoError(k.t, k.visits.read(lines.Bytes()))
	}
	timer.Stop()
	_ = cmd.Wait()
	require.Empty(k.t, stderr.String())
	if reports < math.MaxInt {
		require.GreaterOrEqual(k.t, n, reports)
	}
}

// judge opens what is left, and looks at the sessions that were in use, and at some
// more.
func (k *killing) judge(more int) string {
	k.t.Helper()
	site, err := rig.OpenSite(k.path)
	require.NoError(k.t, err)
	problem, err := k.visits.judge(site, more)
	require.NoError(k.t, err)
	require.NoError(k.t, site.Close())
	require.NoError(k.t, rig.Check(k.path))
	return problem
}

// look is judge for a file that may be of no use.
func (k *killing) look() (string, error) {
	site, err := rig.OpenSite(k.path)
	if err != nil {
		return "", err
	}
	problem, err := k.visits.judge(site, 0)
	return problem, errors.Join(err, site.Close())
}

// A program that reports what it has not done yet is found out.
func TestKill_control(t *testing.T) {
	k := killing{t: t, path: filepath.Join(t.TempDir(), "sessions.db"), early: true, visits: newVisits()}
	for n := range 20 {
		if problem := k.cycle(n); problem != "" {
			t.Log(problem)
			return
		}
	}
	require.Fail(t, "a program that reports too early passes")
}
