package crash_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A store, and a site, are closed while everybody uses all that there is. Nobody panics
// or waits, nothing is left behind, and what was acknowledged is there afterwards.
func TestClose_storm(t *testing.T) {
	began := time.Now()
	a, err := runStorm(t, "", storming{Rounds: rig.Tier(30, 1000), Seed: 1})
	require.NoError(t, err)
	require.Empty(t, a.Problem)
	rig.Figures(t, began, "%d closed, %d acknowledged changes, none lost, %d calls refused, Close took at most %v",
		a.Rounds, a.Changes, a.Refused, a.Slowest.Round(time.Millisecond))
	require.Equal(t, rig.Tier(30, 1000), a.Rounds)
	require.Greater(t, a.Changes, 10*a.Rounds)
}

// runStorm runs the program storm.
func runStorm(t *testing.T, without string, s storming) (a aftermath, err error) {
	t.Helper()
	s.Dir = rig.MemoryDir(t)
	out, err := rig.ProgramWithout(t, without, "storm", s).Output()
	if exit, ok := err.(*exec.ExitError); ok {
		_, fault, _ := bytes.Cut(exit.Stderr, []byte("panic: "))
		t.Logf("%v: %.300s", err, fault)
	}
	if err == nil {
		require.NoError(t, json.Unmarshal(out, &a), "%s", out)
	}
	return a, err
}

// What is left out is found out: the gates of what panics when it is used and closed at
// once, and the last touches.
func TestClose_storm_control(t *testing.T) {
	t.Run("gates", func(t *testing.T) {
		a, err := runStorm(t, "shuts", storming{Rounds: 300, Seed: 2, Only: "site"})
		require.True(t, err != nil || a.Problem != "", "a library without the safeguard passes")
	})
	t.Run("touches", func(t *testing.T) {
		a, err := runStorm(t, "keepsTouches", storming{Rounds: 50, Seed: 3, Only: "store"})
		require.NoError(t, err)
		require.Contains(t, a.Problem, "the touch was acknowledged")
	})
}
