package strace_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/strace"
)

var quoted = regexp.MustCompile(`"[^"]*"`)

// read reads a trace whose strings are legible.
func read(t *testing.T, lines ...string) (*disk.Log, error) {
	t.Helper()
	trace := quoted.ReplaceAllStringFunc(strings.Join(lines, "\n")+"\n", func(s string) string {
		var b strings.Builder
		for _, c := range []byte(strings.ReplaceAll(s[1:len(s)-1], `\n`, "\n")) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
		return `"` + b.String() + `"`
	})
	to := disk.NewRecorder(map[string][]byte{"old": []byte("old")})
	err := strace.Read(strings.NewReader(trace), "/dir", to)
	return to.Log(), err
}

func TestRead(t *testing.T) {
	log, err := read(t,
		`10  openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3`,
		`10  write(3, "elsewhere", 9)           = 9`,
		`10  close(3)                          = 0`,
		`10  openat(AT_FDCWD, "/dir/new", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3`,
		`10  openat(AT_FDCWD, "/dir/notes", O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0600) = 4`,
		`10  write(3, "ab", 2)                 = 2`,
		`10  write(3, "cd", 2)                 = 2`,
		`11  pwrite64(3, "E", 1, 4 <unfinished ...>`,
		`10  fdatasync(3)                      = 0`,
		`11  <... pwrite64 resumed>)           = 1`,
		`10  write(4, "said\n", 5)             = 5`,
		`10  ftruncate(3, 4)                   = 0`,
		`10  fsync(3)                          = -1 EIO (Input/output error)`,
		`10  renameat(AT_FDCWD, "/dir/new", AT_FDCWD, "/dir/old") = 0`,
		`10  openat(AT_FDCWD, "/dir", O_RDONLY|O_CLOEXEC <unfinished ...>`,
		`11  close(3)                          = 0`,
		`10  <... openat resumed>)             = 3`,
		`10  fsync(3)                          = 0`,
		`10  unlinkat(AT_FDCWD, "/dir/missing", 0) = -1 ENOENT (No such file or directory)`,
		`10  unlinkat(AT_FDCWD, "/dir/old", 0) = 0`,
		`10  fdatasync(7 <unfinished ...>`,
		`10  +++ exited with 0 +++`,
	)
	require.NoError(t, err)
	type op struct {
		kind   disk.Kind
		file   int
		offset int64
		data   string
		failed bool
	}
	var ops []op
	for _, o := range log.Ops {
		ops = append(ops, op{o.Kind, o.File, o.Offset, string(o.Data) + o.Text, o.Failed})
	}
	require.Equal(t, []op{
		{kind: disk.Rename},
		{disk.Write, 2, 0, "ab", false},
		{disk.Write, 2, 2, "cd", false},
		{disk.Write, 2, 4, "E", false},
		{kind: disk.Sync, file: 2},
		{kind: disk.Note, data: "said"},
		{kind: disk.Resize, file: 2},
		{kind: disk.Sync, file: 2, failed: true},
		{kind: disk.Rename},
		{kind: disk.SyncNames},
		{kind: disk.Rename},
	}, ops)
	write, sync := log.Ops[3], log.Ops[4]
	require.Less(t, write.Begin, sync.Begin)
	require.Greater(t, write.End, sync.End)
	require.Equal(t, map[string]int{"new": 0, "old": 2}, log.Ops[8].Names)
	require.Empty(t, log.Whole(log.End).Files)
}

// What the log would not show is an error.
func TestRead_refuses(t *testing.T) {
	opened := `10  openat(AT_FDCWD, "/dir/old", O_RDWR|O_CLOEXEC) = 3`
	for _, line := range []string{
		`not a trace`,
		`10  pwritev(3, [{iov_base="a", iov_len=1}], 1, 0) = 1`,
		`10  fallocate(3, 0, 0, 4096) = 0`,
		`10  write(3, "abc"..., 5) = 5`,
		`10  pwrite64(3, "abc", 3, 0) = -1 ENOSPC (No space left on device)`,
		`10  pwrite64(3, 0xc000123456, 3, 0) = 3`,
		`10  <... fsync resumed>) = 0`,
		`10  linkat(AT_FDCWD, "/dir/old", AT_FDCWD, "/dir/new", 0) = 0`,
		`10  renameat(AT_FDCWD, "/dir/old", AT_FDCWD, "/elsewhere") = 0`,
		`10  openat(AT_FDCWD, "/dir/old", O_RDWR|O_TRUNC|O_CLOEXEC) = 4`,
		`10  openat(AT_FDCWD, "/dir/unknown", O_RDWR|O_CLOEXEC) = 4`,
		`10  kill(10, SIGKILL`,
	} {
		_, err := read(t, opened, line)
		require.ErrorContains(t, err, "strace: ", line)
	}
	_, err := read(t, opened)
	require.NoError(t, err)
}
