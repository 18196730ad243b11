//go:build linux || darwin

package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() {
	programs["hold"] = holdFile
	programs["linger"] = func([]string) error { _, err := io.Copy(io.Discard, os.Stdin); return err }
}

type id = store.ID

// A holding is the settings of the program hold.
type holding struct {
	Path    string
	Child   bool // it starts a child
	Share   bool // that is given a handle of the file
	Without string
}

// A holder is a process that has a store open.
type holder struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.Writer
	lines *bufio.Scanner
	child int
}

// hold starts the program hold, and waits until it has opened its file.
func hold(t *testing.T, s holding) *holder {
	t.Helper()
	h := &holder{t: t, cmd: rig.ProgramWithout(t, s.Without, "hold", s)}
	h.cmd.Stderr = os.Stderr
	var err error
	h.in, err = h.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := h.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.cmd.Start())
	t.Cleanup(h.kill)
	h.lines = bufio.NewScanner(out)
	if s.Child {
		_, err := fmt.Sscan(h.line(), &h.child)
		require.NoError(t, err)
		t.Cleanup(func() { _ = syscall.Kill(h.child, syscall.SIGKILL) })
	}
	require.Equal(t, "<nil>", h.line())
	return h
}

func (h *holder) line() string {
	h.t.Helper()
	require.True(h.t, h.lines.Scan())
	return h.lines.Text()
}

// ask has the program do something, and returns its answer.
func (h *holder) ask(what string) string {
	h.t.Helper()
	_, err := fmt.Fprintln(h.in, what)
	require.NoError(h.t, err)
	return h.line()
}

// save has it save a record.
func (h *holder) save() store.ID {
	h.t.Helper()
	id, err := store.ParseID(h.ask("save"))
	require.NoError(h.t, err)
	return id
}

func (h *holder) kill() {
	if h.cmd.ProcessState == nil {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	}
}

// holdFile opens a store, and does what its input says.
func holdFile(args []string) error {
	var s holding
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	db := bolt.Open(s.Path, bolt.WithLockTimeout(100*time.Millisecond))
	if s.Share {
		_ = db.Close() // for the lock is that of the child's handle
	}
	if s.Child {
		pid, err := startChild(s)
		if err != nil {
			return err
		}
		fmt.Println(pid)
	}
	fmt.Println(db.Err())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "save":
			r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: rig.FarAway}
			if err := db.Save(context.Background(), r); err != nil {
				fmt.Println(err)
			} else {
				fmt.Println(r.ID)
			}
		case "close":
			fmt.Println(db.Close())
		}
	}
	return nil
}

// startChild starts a process that outlives this one.
func startChild(s holding) (pid int, err error) {
	child := exec.Command(rig.This())
	child.Env = append(os.Environ(), rig.Variable+"=linger")
	// Its input ends with this process unless the child has the other end itself.
	in, out, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	child.Stdin = in
	child.ExtraFiles = []*os.File{out}
	if s.Share {
		f, err := os.OpenFile(s.Path, os.O_RDWR, 0)
		if err != nil {
			return 0, err
		}
		child.ExtraFiles = append(child.ExtraFiles, f)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return 0, err
		}
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	return child.Process.Pid, nil
}
