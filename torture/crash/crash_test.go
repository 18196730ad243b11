//go:build linux && (amd64 || arm64)

package crash_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// paths are the ways in which the library writes. The power goes only while the last
// job is at work.
var paths = []struct {
	name string
	jobs []job
}{
	{"journal", []job{{Journal: 16 << 20, Writers: 6, Changes: 60, Bytes: 1000, Sweep: 8}}},
	{"small ring", []job{{Journal: 1 << 20, Writers: 4, Changes: 120, Bytes: 5000, Large: 40, Leave: true}}},
	{"no journal", []job{{Writers: 6, Changes: 50, Bytes: 1000, Sweep: 10}}},
	{"compaction", []job{{Journal: 1 << 20, Writers: 3, Changes: 60, Bytes: 2000, Compact: 12, Sweep: 9}}},
	{"compaction, no journal", []job{{Writers: 3, Changes: 60, Bytes: 2000, Compact: 12}}},
	{"creation", []job{{Journal: 16 << 20, Writers: 2, Changes: 20, Bytes: 6000}}},
	{"creation, no journal", []job{{Writers: 2, Changes: 20, Bytes: 6000}}},
	{"recovery", []job{
		{Journal: 16 << 20, Writers: 4, Changes: 60, Bytes: 1500, Leave: true},
		{Journal: 16 << 20, Writers: 3, Changes: 20, Bytes: 6000, Seed: 1, Leave: true},
	}},
}

// The power goes at any moment, and nothing that was acknowledged is lost.
func TestCrash(t *testing.T) {
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) {
			began := time.Now()
			log, moment := traced(t, rig.This(), path.jobs...)
			e := newExploration(t, log)
			moments := e.explore(moment, rig.Tier(1500, 10_000))
			expected, err := expectAfter(log.Notes(log.End))
			require.NoError(t, err)
			require.Zero(t, expected.failed)
			require.Empty(t, e.bad)
			rig.Figures(t, began, "%d crash states at %d moments, %d acknowledged changes, %d bad",
				e.states, moments, expected.changes, e.badness)
			require.GreaterOrEqual(t, e.states, rig.Tier(1500, 10_000))
		})
	}
}

// The same without syncs is found out, and without those of names where files change
// theirs.
func TestCrash_control(t *testing.T) {
	needStrace(t)
	for safeguard, names := range map[string][]string{
		"syncsChanges": {"journal", "no journal"},
		"syncsNames":   {"journal", "compaction, no journal", "creation, no journal"},
	} {
		binary := rig.Broken(t, safeguard)
		for _, path := range paths {
			if slices.Contains(names, path.name) {
				t.Run(safeguard+"/"+path.name, func(t *testing.T) {
					log, moment := traced(t, binary, path.jobs...)
					e := newControl(t, log)
					e.explore(moment, 500)
					requireFound(t, e)
				})
			}
		}
	}
}

// requireFound requires of a control that the harness has found out what is broken.
func requireFound(t *testing.T, e *exploration) {
	t.Helper()
	t.Logf("%d of %d states are bad: %q", e.badness, e.states, e.bad)
	require.Positive(t, e.badness, "a library without the safeguard passes")
}
