//go:build linux && (amd64 || arm64)

package crash_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// restarts are how a store writes that is killed.
var restarts = []struct {
	name string
	job  job
}{
	{"journal", job{Journal: 16 << 20, Writers: 3, Changes: 20, Bytes: 800, Sweep: 2, Leave: true}},
	{"no journal", job{Writers: 3, Changes: 16, Bytes: 800, Leave: true}},
	{"compaction", job{Writers: 1, Changes: 16, Bytes: 800, Compact: 4, Leave: true}},
}

// A process is killed as it waits for a sync. The next one finds all that it has
// written, and goes on. Then the power goes: what the first one had not synced may
// be lost under what the second one has built on it.
func TestRestart(t *testing.T) {
	for _, r := range restarts {
		t.Run(r.name, func(t *testing.T) {
			began := time.Now()
			states, changes := 0, 0
			for n := range rig.Tier(8, 40) {
				t.Run(fmt.Sprint(n+1), func(t *testing.T) {
					log, moment := killAtSync(t, rig.This(), r.job, n+1)
					e := newExploration(t, log)
					e.explore(moment, rig.Tier(200, 2000))
					require.Empty(t, e.bad)
					expected, err := expectAfter(log.Notes(log.End))
					require.NoError(t, err)
					require.Zero(t, expected.failed)
					states, changes = states+e.states, changes+expected.changes
				})
			}
			rig.Figures(t, began, "%d positions, %d crash states, %d acknowledged changes, 0 bad", rig.Tier(8, 40), states, changes)
		})
	}
}

// killAtSync kills a program at the n-th sync after its store is open, and starts it
// again. It returns the log, and the moment of the kill.
func killAtSync(t *testing.T, binary string, j job, n int) (log *disk.Log, moment int) {
	t.Helper()
	m := rig.Boot(t, nil)
	var count atomic.Int64
	m.Observe(true, func(kind disk.Kind, _, _ string) syscall.Errno {
		if (kind == disk.Sync || kind == disk.SyncNames) && count.Add(1) == int64(n) {
			m.Kill()
			return syscall.EINTR
		}
		return 0
	})
	doJob(t, m, binary, j)
	require.GreaterOrEqual(t, count.Load(), int64(n), "there were not as many syncs")
	moment = m.FS.Log().End
	m.Observe(false, nil)
	j.Seed++
	doJob(t, m, binary, j)
	return m.FS.Log(), moment
}

// Without the sync with which a store is opened the same loses what was acknowledged.
func TestRestart_control(t *testing.T) {
	binary := rig.Broken(t, "syncsAtOpen")
	bad := 0
	j := restarts[1].job
	j.Changes = 4 // so that most crashes come soon after
	for n := range rig.Tier(4, 6) {
		log, moment := killAtSync(t, binary, j, n+1)
		e := newControl(t, log)
		e.explore(moment, rig.Tier(300, 2000))
		t.Logf("sync %d: %d of %d states are bad", n+1, e.badness, e.states)
		bad += e.badness
	}
	require.Positive(t, bad, "a library without the safeguard passes")
}
