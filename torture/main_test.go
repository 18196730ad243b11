package torture_test

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

// programEnv names the program that the test binary is to be, when it is started
// again by a test.
const programEnv = "GIMLET_TORTURE_PROGRAM"

var programs = map[string]func(args []string) error{
	"work":   work,
	"survey": survey,
	"serve":  serve,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(programEnv); name != "" {
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

// full reports whether the full tier is wanted.
func full() bool { return os.Getenv("GIMLET_TORTURE") == "full" }

// tier returns how much is to be done.
func tier(quick, whole int) int {
	if full() {
		return whole
	}
	return quick
}

// figures logs what a test has done, in one line.
func figures(t *testing.T, began time.Time, format string, args ...any) {
	t.Helper()
	t.Logf("figures: %s: %s, %.1f s", t.Name(), fmt.Sprintf(format, args...), time.Since(began).Seconds())
}

// program returns a command that runs a program of a test binary, with its
// settings as its argument.
func program(t *testing.T, binary, name string, settings any) *exec.Cmd {
	t.Helper()
	arg, err := json.Marshal(settings)
	require.NoError(t, err)
	cmd := exec.Command(binary, string(arg))
	cmd.Env = append(os.Environ(), programEnv+"="+name)
	return cmd
}

// run runs a program to its end. Its error output is for the message if it
// fails.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
}

// memoryDir returns a new directory in memory, where a sync costs nothing, if
// the system has such a place: what is on the disk is a matter of the model.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gimlet-torture-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}
