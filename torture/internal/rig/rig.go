// Package rig is what all tests of durability stand on: the two tiers, programs that a
// test binary is when it is started again, builds without a safeguard, and a machine
// whose disk can be made to fail.
package rig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Variable names the program that the test binary is to be, when it is started again
// by a test.
const Variable = "GIMLET_TORTURE_PROGRAM"

// Programs are what a test binary can be, by name. A program gets the arguments of the
// command.
type Programs map[string]func(args []string) error

// Main is TestMain of a package with programs.
func Main(m *testing.M, programs Programs) {
	if name := os.Getenv(Variable); name != "" {
		if err := programs[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if withRaceDetector() {
		os.Exit(runWithout())
	}
	os.Exit(m.Run())
}

// Full reports whether the full tier is wanted.
func Full() bool { return os.Getenv("GIMLET_TORTURE") == "full" }

// Tier returns how much is to be done.
func Tier(quick, whole int) int {
	if Full() {
		return whole
	}
	return quick
}

// Figures logs what a test has done, in one line.
func Figures(t *testing.T, began time.Time, format string, args ...any) {
	t.Helper()
	t.Logf("figures: %s: %s, %.1f s", t.Name(), fmt.Sprintf(format, args...), time.Since(began).Seconds())
}

// Program returns a command that runs a program of a test binary, with its
// settings as its argument.
func Program(t *testing.T, binary, name string, settings any) *exec.Cmd {
	t.Helper()
	arg, err := json.Marshal(settings)
	require.NoError(t, err)
	cmd := exec.Command(binary, string(arg))
	cmd.Env = append(os.Environ(), Variable+"="+name)
	return cmd
}

// Run runs a program to its end. Its error output is for the message if it
// fails.
func Run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
}

// MemoryDir returns a new directory in memory, where a sync costs nothing, if
// the system has such a place: what is on the disk is a matter of the model.
func MemoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gimlet-torture-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}
