package rig

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

// This returns the path of the test binary.
var This = sync.OnceValue(func() string {
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

// Guarded are the packages that have safeguards, each with a variable without, which
// names the one to be left out.
var Guarded = []string{"store/bolt", "cache", "internal/gate"}

// Broken builds the programs with a library that lacks a safeguard, and returns the
// path of the binary.
func Broken(t *testing.T, safeguard string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broken.test")
	flags := ""
	for _, name := range Guarded {
		flags += " -X github.com/gimlet-go/gimlet/" + name + ".without=" + safeguard
	}
	require.NoError(t, build(path, "-tags", "gimlet_broken", "-ldflags", flags))
	return path
}

func build(path string, flags ...string) error {
	args := append([]string{"test", "-c", "-o", path}, flags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// lackey is the binary whose library lacks the safeguard that the environment names. It is
// built once, and is in a directory that ends with the tests.
var lackey = struct {
	once sync.Once
	path string
	err  error
}{}

// ProgramWithout is [Program] with a library that lacks a safeguard; "" is none.
func ProgramWithout(t *testing.T, safeguard, name string, settings any) *exec.Cmd {
	t.Helper()
	if safeguard == "" {
		return Program(t, This(), name, settings)
	}
	lackey.once.Do(func() {
		// Beside this binary, which go test removes together with its directory.
		lackey.path = filepath.Join(filepath.Dir(This()), "lackey.test")
		lackey.err = build(lackey.path, "-tags", "gimlet_broken")
	})
	require.NoError(t, lackey.err)
	cmd := Program(t, lackey.path, name, settings)
	cmd.Env = append(cmd.Env, "GIMLET_WITHOUT="+safeguard)
	return cmd
}
