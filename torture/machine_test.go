//go:build linux && (amd64 || arm64)

package torture_test

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/cutfs"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

// A machine has a disk with one directory, and runs one program at a time.
type machine struct {
	t   *testing.T
	fs  *cutfs.FS
	dir string

	mu    sync.Mutex
	watch cutfs.Watch // asked before each operation
	late  bool        // only once the program is ready
	cmd   *exec.Cmd
	ready bool
}

// boot starts a machine whose disk has some files.
func boot(t *testing.T, files map[string][]byte) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	var err error
	m.fs, err = cutfs.Mount(m.dir, files, m.ask)
	if err != nil {
		t.Skipf("skipped: needs FUSE: /dev/fuse, and fusermount3 (of fuse3) where the user is not root: %v", err)
	}
	t.Cleanup(m.shutDown)
	return m
}

// shutDown ends a machine before its test ends. To do so again changes nothing.
func (m *machine) shutDown() {
	m.kill()
	if m.fs != nil {
		require.NoError(m.t, m.fs.Unmount())
	}
	m.fs = nil
}

// observe asks watch before each operation or, if late is set, before each one after the
// program has said that its store is open.
func (m *machine) observe(late bool, watch cutfs.Watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late, m.watch = late, watch
}

func (m *machine) ask(kind disk.Kind, name, text string) syscall.Errno {
	m.mu.Lock()
	watch := m.watch
	if m.late && !m.ready {
		watch = nil
	}
	if kind == disk.Note && strings.HasPrefix(text, "ready") {
		m.ready = true
	}
	m.mu.Unlock()
	if watch == nil {
		return 0
	}
	return watch(kind, name, text)
}

// work runs a job until it is done or has been killed.
func (m *machine) work(binary string, j job) {
	m.t.Helper()
	j.Dir = m.dir
	cmd := program(m.t, binary, "work", j)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	m.mu.Lock()
	m.ready = false
	m.cmd = cmd
	err := cmd.Start()
	m.mu.Unlock()
	require.NoError(m.t, err)
	err = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return
	}
	require.NoError(m.t, err, "%s", &stderr)
}

// kill kills the program.
func (m *machine) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
	}
}
