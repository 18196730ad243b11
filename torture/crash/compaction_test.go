package crash_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A program that compacts its file all the time, while visitors use it, is killed.
func TestCompaction_kill(t *testing.T) {
	began := time.Now()
	k := killing{t: t, path: filepath.Join(t.TempDir(), "sessions.db"), compacts: true, reports: rig.Tier(600, 1500), visits: newVisits()}
	rig.Fill(t, k.path, 20_000)
	cycles := rig.Tier(8, 100)
	for n := range cycles {
		require.Empty(t, k.cycle(n), "cycle %d", n)
	}
	require.Empty(t, k.judge(math.MaxInt))
	rig.Figures(t, began, "%d kills, %d sessions, %d acknowledged changes, none lost",
		cycles+k.starting, len(k.visits.sessions), k.visits.acknowledged)
}

// A library whose copies lack what has changed meanwhile is found out, as soon as what a
// visitor has changed lies behind the copier.
func TestCompaction_control(t *testing.T) {
	binary := rig.Broken(t, "followsChanges")
	for n := range 20 {
		k := killing{t: t, binary: binary, path: filepath.Join(t.TempDir(), fmt.Sprint(n)), compacts: true, visits: newVisits()}
		rig.Fill(t, k.path, 20_000)
		k.kill(n, 3000, time.Minute)
		if problem, err := k.look(); problem != "" || err != nil {
			t.Log(problem, err)
			return
		}
	}
	require.Fail(t, "a library that loses changes passes")
}
