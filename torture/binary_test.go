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

// this returns the path of the test binary.
var this = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
})

func withRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// runWithout builds the tests without the race detector, and runs them. With it the
// model of the disk, which is no part of the library, would take ten times as long.
func runWithout() (status int) {
	dir, err := os.MkdirTemp("", "gimlet-torture-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "torture.test")
	if err := build(path); err != nil {
		panic(err)
	}
	cmd := exec.Command(path, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

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
