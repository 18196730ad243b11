//go:build linux && (amd64 || arm64)

package rig

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

// A Machine has a disk with one directory, and runs one program at a time.
type Machine struct {
	t   *testing.T
	FS  *cutfs.FS
	Dir string

	mu    sync.Mutex
	watch cutfs.Watch // asked before each operation
	late  bool        // only once the program is ready
	cmd   *exec.Cmd
	ready bool
}

// Boot starts a machine whose disk has some files.
func Boot(t *testing.T, files map[string][]byte) *Machine {
	t.Helper()
	m := &Machine{t: t, Dir: t.TempDir()}
	var err error
	m.FS, err = cutfs.Mount(m.Dir, files, m.ask)
	if err != nil {
		t.Skipf("skipped: needs FUSE: /dev/fuse, and fusermount3 (of fuse3) where the user is not root: %v", err)
	}
	t.Cleanup(m.ShutDown)
	return m
}

// ShutDown ends a machine before its test ends. To do so again changes nothing.
func (m *Machine) ShutDown() {
	m.Kill()
	if m.FS != nil {
		require.NoError(m.t, m.FS.Unmount())
	}
	m.FS = nil
}

// Observe asks watch before each operation or, if late is set, before each one after the
// program has said that its store is open.
func (m *Machine) Observe(late bool, watch cutfs.Watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late, m.watch = late, watch
}

func (m *Machine) ask(kind disk.Kind, name, text string) syscall.Errno {
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

// Run runs a program until it ends or is killed.
func (m *Machine) Run(cmd *exec.Cmd) {
	m.t.Helper()
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

// Kill kills the program.
func (m *Machine) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
	}
}
