//go:build linux && (amd64 || arm64)

package fault_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// The disk becomes full, in five ways. Saves say so and that nothing was saved, reads
// go on, saves go on within a second when there is room again, and nothing that was
// acknowledged is lost.
func TestFull(t *testing.T) {
	for _, name := range []string{"tmpfs", "ext4", "thin disk", "file size", "quota"} {
		for _, journal := range []int64{16 << 20, 0} {
			t.Run(fmt.Sprintf("%s, journal of %d MiB", name, journal>>20), func(t *testing.T) {
				began := time.Now()
				got := fillDisk(t, scarcity{Place: name, Journal: journal, Rounds: rig.Tier(1, 8)})
				requireNone(t, got.problems)
				require.Positive(t, got.saved)
				require.Positive(t, got.refused)
				rig.Figures(t, began, "the disk was full %d times, %d saves, %d refused, none lost", rig.Tier(1, 8)+1, got.saved, got.refused)
			})
		}
	}
}

// A store is created where there is too little room. The file can be opened, or is
// not there, and is complete once there is room.
func TestFull_creation(t *testing.T) {
	for _, name := range []string{"tmpfs", "file size", "quota"} {
		for _, journal := range []int64{16 << 20, 0} {
			t.Run(fmt.Sprintf("%s, journal of %d MiB", name, journal>>20), func(t *testing.T) {
				began := time.Now()
				got := fillDisk(t, scarcity{Place: name, Journal: journal, Create: true})
				requireNone(t, got.problems)
				rig.Figures(t, began, "0 to 40 KiB of room, %d saves, %d refused", got.saved, got.refused)
			})
		}
	}
}

// A program that does not look at errors is found out.
func TestFull_control(t *testing.T) {
	got := fillDisk(t, scarcity{Place: "file size", Journal: 16 << 20, Rounds: 1, Careless: true})
	require.NotEmpty(t, got.problems, "a program that ignores errors passes")
	t.Log(got.problems)
}

// A filling is what has come of a full disk.
type filling struct {
	saved, refused int
	problems       []string
	impossible     string // why there is no such disk
}

// fillDisk runs the program fill, which has mounts of its own.
func fillDisk(t *testing.T, c scarcity) (got filling) {
	t.Helper()
	c.Dir, c.Copies = rig.MemoryDir(t), rig.MemoryDir(t)
	var m *rig.Machine
	if c.Place == "quota" {
		m = rig.Boot(t, nil)
		c.Dir = m.Dir
	}
	cmd := rig.Program(t, rig.This(), "fill", c)
	if c.Place != "quota" && c.Place != "file size" {
		cmd.SysProcAttr = mountsOfItsOwn()
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	if err := cmd.Start(); err != nil {
		t.Skipf("skipped: needs mounts of its own, by root or in a user namespace: %v", err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer timer.Stop()
	answer(t, bufio.NewScanner(out), in, m, &got)
	require.NoError(t, cmd.Wait(), "%s", &stderr)
	if got.impossible != "" {
		t.Skipf("skipped: needs root, who may mount, mkfs.ext4 and loop devices: %s", got.impossible)
	}
	return got
}

// answer reads what the program prints, and gives it room on the file system that
// is this process's.
func answer(t *testing.T, out *bufio.Scanner, in io.Writer, m *rig.Machine, got *filling) {
	t.Helper()
	for out.Scan() {
		what, rest, _ := strings.Cut(out.Text(), " ")
		switch what {
		case "room":
			var room int64
			_, err := fmt.Sscan(rest, &room)
			require.NoError(t, err)
			m.FS.Limit(m.FS.Used()+room, syscall.EDQUOT)
			fmt.Fprintln(in, "ok")
		case "impossible":
			got.impossible = rest
		case "problem":
			got.problems = append(got.problems, rest)
		case "done":
			_, err := fmt.Sscan(rest, &got.saved, &got.refused)
			require.NoError(t, err)
		}
	}
}

// mountsOfItsOwn are for a program that mounts something, which nobody else sees. Who
// is not root becomes it in a namespace, and may then mount a tmpfs.
func mountsOfItsOwn() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return a
}
