package torture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// this returns the path of a binary with the programs: the test binary itself or, if
// that has the race detector in it, which would take most of the time, another one.
var this = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		path := filepath.Join(scratch, "programs.test")
		if err := build(path); err != nil {
			panic(err)
		}
		return path
	}
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
})

// broken builds the programs with a library that lacks a safeguard, and returns the
// path of the binary.
func broken(t *testing.T, safeguard string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broken.test")
	require.NoError(t, build(path, "-tags", "gimlet_broken",
		"-ldflags", "-X github.com/gimlet-go/gimlet/store/bolt.without="+safeguard))
	return path
}

func build(path string, flags ...string) error {
	args := append([]string{"test", "-c", "-o", path}, flags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
