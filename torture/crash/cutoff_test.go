package crash_test

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// The file is cut off anywhere while it is in use, filled with zeros, replaced or removed. The
// program goes on, each call returns, none with wrong bytes, and Close gives up the lock. But
// a reader that meets the damage while it begins takes a lock of bbolt's with it, and a commit
// that is under way waits for that lock at its end: then Close ends at its bound, and the file
// stays locked.
func TestCutOff(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("skipped: an open file cannot be cut off on Windows")
	}
	for _, how := range []string{"cut", "zero", "replace", "remove"} {
		t.Run(how, func(t *testing.T) {
			began := time.Now()
			var d damage
			cut := shearing{Dir: rig.MemoryDir(t), How: how, Rounds: rig.Tier(8, 400)}
			out, err := rig.ProgramWithout(t, "", "shear", cut).Output()
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(out, &d), "%s", out)
			require.Empty(t, d.Problem)
			rig.Figures(t, began, "%d files, %d of them noticed, %d right answers, Close took at most %v, %d were stuck",
				cut.Rounds, d.Noticed, d.Right, d.Close.Round(time.Millisecond), d.Stuck)
			require.Positive(t, d.Noticed)
			if how == "cut" || how == "zero" {
				require.LessOrEqual(t, d.Stuck, max(4, cut.Rounds/20))
			} else {
				require.Zero(t, d.Stuck)
			}
		})
	}
}

// A program that does not ask for faults as panics dies.
func TestCutOff_control(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("skipped: an open file cannot be cut off on Windows")
	}
	out, err := rig.ProgramWithout(t, "survivesFaults", "shear", shearing{Dir: rig.MemoryDir(t), How: "cut", Rounds: 50}).CombinedOutput()
	require.Error(t, err, "a library without the safeguard passes")
	require.Contains(t, string(out), "SIGBUS")
}
