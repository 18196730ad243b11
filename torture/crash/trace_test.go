//go:build linux && (amd64 || arm64)

package crash_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
	"github.com/gimlet-go/gimlet/torture/internal/strace"
)

func needStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("skipped: needs strace")
	}
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: needs strace, which may not trace here: %s", out)
	}
}

// traced runs jobs one after the other in a directory. It returns the log of what they
// did to it, and the moment at which the last one began.
func traced(t *testing.T, binary string, jobs ...job) (log *disk.Log, moment int) {
	t.Helper()
	needStrace(t)
	dir := rig.MemoryDir(t)
	to := disk.NewRecorder(nil)
	for _, j := range jobs {
		j.Dir = dir
		moment = to.Log().End
		output := filepath.Join(rig.MemoryDir(t), "trace")
		cmd := rig.Program(t, binary, "work", j)
		cmd.Args = append(append([]string{"strace"}, strace.Args(output)...), append([]string{binary}, cmd.Args[1:]...)...)
		var err error
		cmd.Path, err = exec.LookPath("strace")
		require.NoError(t, err)
		rig.Run(t, cmd)
		trace, err := os.Open(output)
		require.NoError(t, err)
		require.NoError(t, strace.Read(trace, dir, to))
		require.NoError(t, trace.Close())
	}
	log = to.Log()
	requireComplete(t, dir, log)
	return log, moment
}

// requireComplete requires that the log has all that was written: from it follows
// what is in the directory, byte for byte.
func requireComplete(t *testing.T, dir string, log *disk.Log) {
	t.Helper()
	whole := log.Whole(log.End).Files
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() == disk.NotesFile {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		require.True(t, string(b) == string(whole[entry.Name()]), "the trace of %s lacks something", entry.Name())
		delete(whole, entry.Name())
	}
	require.Empty(t, whole)
}
