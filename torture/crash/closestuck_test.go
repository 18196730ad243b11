//go:build linux && (amd64 || arm64)

package crash_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// stucks are where a disk does not answer.
var stucks = []struct {
	name string
	jam  jam
}{
	{"journal", jam{Journal: 1 << 20, Hold: "sessions.db-journal"}},
	{"database", jam{Journal: 1 << 20, Hold: "sessions.db"}},
	{"no journal", jam{}},
	{"everything", jam{Journal: 1 << 20}},
	{"names", jam{Journal: 1 << 20, Hold: ".", Compact: true}},
}

// The disk does not answer any more. Reads go on, calls end with their contexts, Close
// after its own bound, and the lock is kept. When the disk answers again all that was
// acknowledged is there, and nothing is left behind.
func TestClose_stuck(t *testing.T) {
	for _, s := range stucks {
		t.Run(s.name, func(t *testing.T) {
			began := time.Now()
			var r relief
			new(valve).runOnDisk(t, "", "stuck", s.jam.in, &r)
			require.Empty(t, r.Problem)
			rig.Figures(t, began, "%d reads, the slowest %v; contexts were over for %v at most, Close took %v of 500ms, "+
				"and %v after the disk had answered the file was free; %d acknowledged changes, none lost",
				r.Reads, r.SlowestRead, r.Late, r.Close, r.Freed, r.Changes)
		})
	}
}

// Nor does it keep the manager of sessions, whose Quick saves have eleven seconds.
func TestClose_stuck_site(t *testing.T) {
	began := time.Now()
	var r relief
	new(valve).runOnDisk(t, "", "stuck site", jam{}.in, &r)
	require.Empty(t, r.Problem)
	require.Less(t, r.Close, 500*time.Millisecond+slack)
	var quick relief
	if rig.Full() {
		new(valve).runOnDisk(t, "", "stuck site", jam{Quick: true}.in, &quick)
		require.Empty(t, quick.Problem)
		require.Less(t, quick.Close, 11*time.Second+500*time.Millisecond+slack)
	}
	rig.Figures(t, began, "Close took %v of 500ms, and %v while a Quick save was under way; a commit ended %v after its context",
		r.Close, quick.Close, r.Late)
}

func (j jam) in(dir string) any {
	j.Dir, j.Patience = dir, cmp.Or(j.Patience, 2*slack)
	return j
}

// A Close without a bound is found out, and calls that do not hear of their contexts.
func TestClose_stuck_control(t *testing.T) {
	var r relief
	jam := stucks[0].jam
	jam.Patience = slack / 4
	new(valve).runOnDisk(t, "boundsClose", "stuck", jam.in, &r)
	require.Contains(t, r.Problem, "Close has not returned")
	jam.Deaf = true
	r = relief{}
	new(valve).runOnDisk(t, "", "stuck", jam.in, &r)
	require.Contains(t, r.Problem, "has not returned with its context")
}
