package torture_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// broken builds the programs with a library that lacks a safeguard, and returns the
// path of the binary.
func broken(t *testing.T, safeguard string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broken.test")
	cmd := exec.Command("go", "test", "-c", "-o", path, "-tags", "gimlet_broken",
		"-ldflags", "-X github.com/gimlet-go/gimlet/store/bolt.without="+safeguard, ".")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// requireFound requires of a control that the harness has found out what is broken.
func requireFound(t *testing.T, e *exploration) {
	t.Helper()
	t.Logf("%d of %d states are bad: %q", e.badness, e.states, e.bad)
	require.Positive(t, e.badness, "a library without the safeguard passes")
}
