//go:build linux && (amd64 || arm64)

package cutfs_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/cutfs"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

func mount(t *testing.T, watch cutfs.Watch) (*cutfs.FS, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := cutfs.Mount(dir, map[string][]byte{"old": []byte("before")}, watch)
	if err != nil {
		t.Skipf("skipped: needs FUSE: /dev/fuse, and fusermount3 (of fuse3) where the user is not root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, f.Unmount()) })
	return f, dir
}

// What a program does is done, and recorded.
func TestMount(t *testing.T) {
	f, dir := mount(t, nil)
	old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "new")
	b, err := os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
	require.NoError(t, os.WriteFile(fresh, []byte("and after"), 0o600))
	require.NoError(t, os.Truncate(fresh, 3))
	require.NoError(t, os.Rename(fresh, old))
	b, err = os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, "and", string(b))
	require.NoFileExists(t, fresh)
	log := f.Log()
	require.Equal(t, map[string][]byte{"old": []byte("and")}, log.Whole(log.End).Files)

	d, err := os.Open(dir)
	require.NoError(t, err)
	require.NoError(t, d.Sync())
	require.NoError(t, d.Close())
	ops := f.Log().Ops
	require.Equal(t, disk.SyncNames, ops[len(ops)-1].Kind)
	require.NoError(t, os.Remove(old))
	log = f.Log()
	require.Empty(t, log.Whole(log.End).Files)
}

func TestMount_notes(t *testing.T) {
	f, dir := mount(t, nil)
	notes, err := os.OpenFile(filepath.Join(dir, disk.NotesFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	for _, line := range []string{"one\n", "two\n"} {
		_, err := notes.WriteString(line)
		require.NoError(t, err)
	}
	require.NoError(t, notes.Close())
	log := f.Log()
	require.Equal(t, []string{"one", "two"}, log.Notes(log.End))
}

// A sync fails where the test wants it to, and the log says so.
func TestMount_syncFails(t *testing.T) {
	f, dir := mount(t, func(kind disk.Kind, name, _ string) syscall.Errno {
		if kind == disk.Sync && name == "old" {
			return syscall.EIO
		}
		return 0
	})
	file, err := os.OpenFile(filepath.Join(dir, "old"), os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("x"), 0)
	require.NoError(t, err)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	require.NoError(t, file.Close())
	ops := f.Log().Ops
	require.Equal(t, disk.Sync, ops[len(ops)-1].Kind)
	require.True(t, ops[len(ops)-1].Failed)
}

// After the power is cut nothing has an effect.
func TestFS_Cut(t *testing.T) {
	f, dir := mount(t, nil)
	file, err := os.OpenFile(filepath.Join(dir, "old"), os.O_RDWR, 0)
	require.NoError(t, err)
	f.Cut()
	_, err = file.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	require.NoError(t, file.Close())
	require.ErrorIs(t, os.Remove(filepath.Join(dir, "old")), syscall.EIO)
	require.ErrorIs(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o600), syscall.EIO)
	log := f.Log()
	require.Equal(t, map[string][]byte{"old": []byte("before")}, log.Whole(log.End).Files)
}

// There is room for so many bytes, and what goes beyond fails.
func TestFS_Limit(t *testing.T) {
	f, dir := mount(t, nil)
	require.EqualValues(t, len("before"), f.Used())
	f.Limit(10_000, syscall.EDQUOT)
	path := filepath.Join(dir, "new")
	require.ErrorIs(t, os.WriteFile(path, make([]byte, 20_000), 0o600), syscall.EDQUOT)
	require.EqualValues(t, 10_000, f.Used())
	require.ErrorIs(t, os.Truncate(path, 20_000), syscall.EDQUOT)
	require.NoError(t, os.Remove(filepath.Join(dir, "old")))
	require.EqualValues(t, 10_000-len("before"), f.Used())
	require.NoError(t, os.Truncate(path, 100))
	f.Limit(1000, syscall.EDQUOT)
	require.NoError(t, os.WriteFile(path, make([]byte, 1000), 0o600))
	require.EqualValues(t, 1000, f.Used())
}
