//go:build linux && (amd64 || arm64)

package crash_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Each sync takes its time. A save waits for the one that is under way and for its own,
// all that wait share one, and nobody waits longer than for that.
func TestSlowDisk(t *testing.T) {
	for _, d := range []struct {
		name  string
		delay time.Duration
		only  bool // in the full tier
	}{{"50 ms", 50 * time.Millisecond, false}, {"500 ms", 500 * time.Millisecond, true}} {
		t.Run(d.name, func(t *testing.T) {
			if d.only && !rig.Full() {
				return
			}
			began := time.Now()
			var s slowness
			l := load{Clients: 64, Saves: rig.Tier(8, 20)}
			slow := valve{delay: d.delay}
			slow.runOnDisk(t, "", "slow", l.in, &s)
			require.Empty(t, s.Problem)
			rig.Figures(t, began, "%d clients, %d saves, %.0f to a sync, which take %v each, a save waits for %d of them (p99) and %v (p99), %v at most",
				l.Clients, s.Saves, s.Factor, d.delay, s.Syncs99, s.Wait99.Round(time.Millisecond), s.Longest.Round(time.Millisecond))
			require.GreaterOrEqual(t, s.Factor, float64(l.Clients)/2)
			require.LessOrEqual(t, s.Syncs99, 2)
			require.Less(t, s.Wait99, 2*d.delay+slack)
		})
	}
}

// Very many clients come to a disk that does not answer, and give up. They leave nothing
// behind, and none of those who were told that nothing was saved has saved anything.
// Meanwhile reads go on, from memory and from the file.
func TestSlowDisk_crowd(t *testing.T) {
	began := time.Now()
	var s slowness
	l := load{Clients: 1000, Waves: rig.Tier(4, 40)}
	new(valve).runOnDisk(t, "", "slow", l.in, &s)
	require.Empty(t, s.Problem)
	rig.Figures(t, began, "%d saves given up after 200ms, %v late at most; %d KiB more in memory; %d reads, the slowest %v",
		s.GivenUp, s.Late.Round(time.Millisecond), s.Memory>>10, s.Reads, s.SlowestRead.Round(time.Microsecond))
	require.Equal(t, l.Clients*l.Waves, s.GivenUp)
	require.Less(t, s.Memory, int64(8<<20))
}

func (l load) in(dir string) any {
	l.Dir, l.Patience = dir, cmp.Or(l.Patience, 2*slack)
	return l
}

// Without sharing each save has a sync of its own, which is found out. So is a crowd that
// does not give up.
func TestSlowDisk_control(t *testing.T) {
	var s slowness
	slow := valve{delay: 20 * time.Millisecond}
	slow.runOnDisk(t, "sharesSyncs", "slow", load{Clients: 16, Saves: 2}.in, &s)
	require.Empty(t, s.Problem)
	require.Less(t, s.Factor, 8.0, "a library without the safeguard passes")
	require.Greater(t, s.Syncs99, 2)
	new(valve).runOnDisk(t, "", "slow", load{Clients: 50, Waves: 1, Deaf: true, Patience: slack / 4}.in, &s)
	require.Contains(t, s.Problem, "do not give up")
}
