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

// syncs are the syncs that may fail, of stores that write in different ways.
var syncs = []struct {
	name, file string
	job        job
}{
	{"database", "sessions.db", job{Writers: 3, Changes: 24, Bytes: 800, Leave: true}},
	{"journal", "sessions.db-journal", job{Journal: 16 << 20, Writers: 3, Changes: 48, Bytes: 800, Leave: true}},
	{"checkpoint", "sessions.db", job{Journal: 16 << 20, Writers: 3, Changes: 48, Bytes: 800, Sweep: 2, Leave: true}},
}

// A sync fails once, the system forgets what it was about, and the store goes on.
// Then the power goes.
func TestSyncError(t *testing.T) {
	for _, s := range syncs {
		t.Run(s.name, func(t *testing.T) {
			began := time.Now()
			states, changes, failed := 0, 0, 0
			for n := range rig.Tier(5, 40) {
				t.Run(fmt.Sprint(n+1), func(t *testing.T) {
					log, moment := failSync(t, rig.This(), s.file, s.job, n+1)
					e := newExploration(t, log)
					e.explore(moment, rig.Tier(200, 2000))
					require.Empty(t, e.bad)
					expected, err := expectAfter(log.Notes(log.End))
					require.NoError(t, err)
					states, changes, failed = states+e.states, changes+expected.changes, failed+expected.failed
				})
			}
			rig.Figures(t, began, "%d positions, %d crash states, %d acknowledged changes, %d that failed, 0 bad",
				rig.Tier(5, 40), states, changes, failed)
		})
	}
}

// failSync lets the n-th sync of a file fail once the store is open. It returns the
// log, and the moment at which that was.
func failSync(t *testing.T, binary, file string, j job, n int) (log *disk.Log, moment int) {
	t.Helper()
	m := rig.Boot(t, nil)
	var count, failed atomic.Int64
	m.Observe(true, func(kind disk.Kind, name, _ string) syscall.Errno {
		if kind == disk.Sync && name == file && count.Add(1) == int64(n) {
			failed.Store(int64(m.FS.Log().End))
			return syscall.EIO
		}
		return 0
	})
	doJob(t, m, binary, j)
	require.Positive(t, failed.Load(), "there were only %d syncs", count.Load())
	return m.FS.Log(), int(failed.Load())
}

// Without the cure the same loses what was acknowledged.
func TestSyncError_control(t *testing.T) {
	binary := rig.Broken(t, "heals")
	bad := 0
	j := syncs[0].job
	j.Changes = 6 // so that most crashes come soon after
	for n := range rig.Tier(4, 6) {
		log, moment := failSync(t, binary, syncs[0].file, j, n+1)
		e := newControl(t, log)
		e.explore(moment, rig.Tier(300, 2000))
		t.Logf("sync %d: %d of %d states are bad", n+1, e.badness, e.states)
		bad += e.badness
	}
	require.Positive(t, bad, "a library without the safeguard passes")
}
