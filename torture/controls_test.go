package torture_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Each safeguard of the library that can be left out is left out by a control, and each
// test below this directory has one: a control of the same name or, for one of several that
// belong together, of the name before an underscore.
func TestControls(t *testing.T) {
	src := readSource(t)
	left := src.leftOut(t)
	for _, name := range slices.Sorted(maps.Keys(src.safeguards)) {
		require.NotEmpty(t, left[name], "no control leaves out %s: nothing shows what it is worth", name)
	}
	for _, name := range src.tests() {
		require.True(t, src.hasControl(name), "%s has no control: what does it find when the safeguard is missing?", name)
	}
	if rig.Full() {
		runControls(t, left)
	}
}

// runControls runs every control there is, of this package and of the library, and shows
// what came of it. A control passes if it has found out what is broken.
func runControls(t *testing.T, left map[string][]string) {
	t.Helper()
	began := time.Now()
	without := map[string][]string{}
	for safeguard, controls := range left {
		for _, name := range controls {
			without[name] = append(without[name], safeguard)
		}
	}
	own := exec.Command("go", "test", "-count=1", "-v", "-p=1", "-run", `_control$`, "./...")
	own.Env = append(os.Environ(), "GIMLET_TORTURE=", "TMPDIR="+rig.MemoryDir(t))
	library := exec.Command("go", "test", "-count=1", "-v", "-run", `_[cC]ontrol$`, "./...")
	library.Dir = ".."
	var all []outcome
	for _, cmd := range []*exec.Cmd{own, library} {
		out, err := cmd.CombinedOutput()
		found := outcomes(string(out))
		require.NotEmpty(t, found, "%s", out)
		all = append(all, found...)
		require.NoError(t, err, "%s", out)
	}
	var table strings.Builder
	skipped := 0
	for _, o := range all {
		if o.result == "SKIP" {
			skipped++
		}
		fmt.Fprintf(&table, "\n%-32s %-40s %-5s %6s s", o.pkg, o.name, o.result, o.seconds)
		if names := without[o.name]; len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(&table, "  without %s", strings.Join(names, ", "))
		}
	}
	t.Log(table.String())
	rig.Figures(t, began, "%d controls, %d safeguards of the library left out, %d skipped, all others have found what was broken",
		len(all), len(left), skipped)
}

// An outcome is what a test reports of itself.
type outcome struct{ pkg, name, result, seconds string }

var (
	resultLine  = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\S+) \(([0-9.]+)s\)`)
	packageLine = regexp.MustCompile(`^(?:ok|FAIL)\s+github.com/gimlet-go/(\S+)`)
)

// outcomes returns what the output of go test -v tells, sorted.
func outcomes(output string) (all []outcome) {
	since := 0
	for line := range strings.Lines(output) {
		if m := resultLine.FindStringSubmatch(line); m != nil {
			all = append(all, outcome{"gimlet/torture", m[2], m[1], m[3]})
		}
		if m := packageLine.FindStringSubmatch(line); m != nil {
			for ; since < len(all); since++ {
				all[since].pkg = m[1]
			}
		}
	}
	slices.SortFunc(all, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name))
	})
	return all
}
