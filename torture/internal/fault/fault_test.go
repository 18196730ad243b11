//go:build linux && (amd64 || arm64)

package fault_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/fault"
)

const dirEnv = "FAULT_TEST_DIR"

// TestMain is also the program whose calls fail: that cannot be taken back.
func TestMain(m *testing.M) {
	dir := os.Getenv(dirEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := meet(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// meet does calls that fail, and some that do not.
func meet(dir string) error {
	path := filepath.Join(dir, "file")
	syncs := 0
	err := fault.Install(func(c fault.Call) syscall.Errno {
		switch {
		case c.Name == "fsync" && c.Path == path:
			if syncs++; syncs == 2 {
				return syscall.EDQUOT
			}
		case c.Name == "unlinkat" && c.Path == path:
			return syscall.EROFS
		case c.Name == "openat" && filepath.Base(c.Path) == "secret":
			return syscall.EIO
		}
		return 0
	})
	if err != nil {
		return fmt.Errorf("impossible: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for n, want := range []error{nil, syscall.EDQUOT, nil} {
		if err := f.Sync(); !errors.Is(err, want) {
			return fmt.Errorf("sync %d: %w", n, err)
		}
	}
	if err := os.Remove(path); !errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("remove: %w", err)
	}
	if _, err := os.Open(filepath.Join(dir, "secret")); !errors.Is(err, syscall.EIO) {
		return fmt.Errorf("open: %w", err)
	}
	_, err = os.Stat(path)
	return err
}

func TestInstall(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), fault.Environment...), dirEnv+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(string(out), "impossible") {
		t.Skipf("skipped: needs seccomp with user notification: %s", out)
	}
	require.NoError(t, err, "%s", out)
}
