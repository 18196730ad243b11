//go:build linux && (amd64 || arm64)

package crash_test

import (
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// newDisk is after how many power cuts a machine gets a new disk.
const newDisk = 25

// The power is cut again and again, also while the store recovers from the cut
// before. Of what was not synced, anything may be lost.
func TestPowerCut(t *testing.T) {
	began := time.Now()
	o := newOutage(t, rig.This())
	cycles := rig.Tier(30, 500)
	for n := range cycles {
		require.Empty(t, o.cycle(n), "cycle %d", n)
	}
	rig.Figures(t, began, "%d power cuts, %d of them before the store was open, %d of them lost something, %d acknowledged changes, none lost",
		cycles, o.early, o.lost, o.changes)
	require.Positive(t, o.lost)
}

// An outage is one power cut after the other.
type outage struct {
	t        *testing.T
	binary   string
	rng      *rand.Rand
	surveyor *rig.Surveyor
	dir      string

	files    map[string][]byte // what the disk has
	expected *expectation      // of this disk
	changes  int               // acknowledged ones, of all disks
	early    int               // cuts before the store was open
	lost     int               // cuts that changed what the disk has
}

func newOutage(t *testing.T, binary string) *outage {
	return &outage{
		t: t, binary: binary, rng: rand.New(rand.NewPCG(3, 4)), surveyor: rig.NewSurveyor(t, 20*time.Second),
		dir: filepath.Join(rig.MemoryDir(t), "copy"), expected: expectNothing(),
	}
}

// cycle starts a machine, cuts its power, and returns what is wrong with what is
// left on its disk.
func (o *outage) cycle(n int) string {
	o.t.Helper()
	if n%newDisk == 0 {
		o.files, o.expected = nil, expectNothing()
	}
	after := o.rng.IntN(1500)
	if n%4 == 3 {
		after = o.rng.IntN(40) // before the store is open, or soon after
	}
	log := o.cut(after)
	before := o.expected.changes
	for _, note := range log.Notes(log.End) {
		require.NoError(o.t, o.expected.read(note))
	}
	o.changes += o.expected.changes - before
	if log.Noted("ready") < 0 {
		o.early++
	}
	crash := log.Random(log.End, o.rng)
	if !same(crash.Files, log.Whole(log.End).Files) {
		o.lost++
	}
	o.files = crash.Files
	require.NoError(o.t, write(o.dir, o.files))
	return problem(o.expected, look(o.surveyor, o.dir))
}

// cut runs a store until it has done a number of operations.
func (o *outage) cut(after int) *disk.Log {
	m := rig.Boot(o.t, o.files)
	defer m.ShutDown()
	var count atomic.Int64
	m.Observe(false, func(disk.Kind, string, string) syscall.Errno {
		if count.Add(1) != int64(after+1) {
			return 0
		}
		m.FS.Cut()
		m.Kill()
		return syscall.EIO
	})
	journal := []int64{16 << 20, 1 << 20, 0}[o.rng.IntN(3)]
	doJob(o.t, m, o.binary, job{Journal: journal, Writers: 16, Changes: 10_000, Bytes: 1500, Sweep: 10, Compact: 50, Seed: o.rng.Uint64()})
	return m.FS.Log()
}

func same(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if other, ok := b[name]; !ok || string(a[name]) != string(other) {
			return false
		}
	}
	return true
}

// Without syncs the same loses what was acknowledged.
func TestPowerCut_control(t *testing.T) {
	o := newOutage(t, rig.Broken(t, "syncsChanges"))
	for n := range 20 {
		if problem := o.cycle(n); problem != "" {
			t.Logf("cycle %d: %.300s", n, problem)
			return
		}
	}
	require.Fail(t, "a library without the safeguard passes")
}
