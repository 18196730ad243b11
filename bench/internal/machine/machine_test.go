package machine_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
)

func TestDescribe(t *testing.T) {
	f := machine.Describe(t.TempDir())
	require.NotEmpty(t, f.CPU)
	require.Equal(t, runtime.GOMAXPROCS(0), f.Cores)
	require.Contains(t, f.Go, runtime.Version())
	if runtime.GOOS == "linux" {
		require.NotEqual(t, "unknown", f.FileSystem)
		require.Regexp(t, `^Linux \d`, f.OS)
		require.Regexp(t, `GiB$`, f.Memory)
	}
}

func TestSizes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, 5000), 0o600))
	f, err := os.Create(filepath.Join(dir, "hole"))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(1<<20))
	require.NoError(t, f.Close())

	length, err := machine.FileBytes(dir)
	require.NoError(t, err)
	require.EqualValues(t, 5000+1<<20, length)
	allocated, err := machine.AllocatedBytes(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, allocated, length+8192)
	_, err = machine.FileBytes(filepath.Join(dir, "none"))
	require.Error(t, err)
}

func TestProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		_, err := machine.Anonymous()
		require.ErrorIs(t, err, machine.ErrUnsupported)
		return
	}
	before, err := machine.Anonymous()
	require.NoError(t, err)
	memory := make([]byte, 64<<20)
	for i := range memory {
		memory[i] = 1
	}
	after, err := machine.Anonymous()
	require.NoError(t, err)
	require.Greater(t, after-before, int64(32<<20))
	runtime.KeepAlive(memory)

	start, known := machine.CPUTime()
	require.True(t, known)
	for now := start; now <= start; now, _ = machine.CPUTime() {
	}
}

func TestDropCache(t *testing.T) {
	if runtime.GOOS != "linux" {
		require.ErrorIs(t, machine.DropCache(t.TempDir()), machine.ErrUnsupported)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	share, err := machine.CachedBelow(dir)
	require.NoError(t, err)
	require.Equal(t, 1.0, share)
	require.NoError(t, machine.DropCache(dir))
	if machine.Describe(dir).FileSystem[:5] == "tmpfs" {
		return // it has nothing but the page cache
	}
	share, err = machine.CachedBelow(dir)
	require.NoError(t, err)
	require.Less(t, share, 0.5)
}
