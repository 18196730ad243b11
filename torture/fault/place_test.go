//go:build linux && (amd64 || arm64)

package fault_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A place is a directory in which there is little room or much, as one likes.
type place struct {
	dir   string // where the store is
	cause syscall.Errno
	thin  bool // that there is no room shows only in a sync
	limit func(room int64) error
}

// limitless is more than anybody needs.
const limitless = 64 << 20

// places are the ways in which a disk can be full. Each makes a place below dir, for
// the process alone: what it mounts is gone with it.
var places = map[string]func(dir string) (*place, error){
	"tmpfs":     tmpfs,
	"ext4":      ext4,
	"thin disk": thinDisk,
	"file size": fileSize,
	"quota":     quota,
}

// tmpfs is a file system in memory.
func tmpfs(dir string) (*place, error) {
	limit, err := mountTmpfs(dir)
	if err == nil {
		// One that is empty cannot be bounded to what is in it.
		err = os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 4096), 0o600)
	}
	return &place{dir: dir, cause: syscall.ENOSPC, limit: limit}, err
}

func mountTmpfs(dir string) (limit func(int64) error, err error) {
	if err := privateMounts(); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", limitless)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs: %w", err)
	}
	return func(room int64) error {
		used, _, err := space(dir)
		if err != nil {
			return err
		}
		return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", used+room))
	}, nil
}

// privateMounts keeps what is mounted from others.
func privateMounts() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("have mounts of its own: %w", err)
	}
	return nil
}

func space(dir string) (used, free int64, err error) {
	var s syscall.Statfs_t
	err = syscall.Statfs(dir, &s)
	return int64(s.Blocks-s.Bfree) * s.Bsize, int64(s.Bavail) * s.Bsize, err
}

// ext4 is a disk of which somebody else takes more or less.
func ext4(dir string) (*place, error) {
	if err := privateMounts(); err != nil {
		return nil, err
	}
	at, err := mountImage(dir, "-b", "4096")
	if err != nil {
		return nil, err
	}
	ballast := filepath.Join(at, "ballast")
	limit := func(room int64) error {
		if err := os.Remove(ballast); err != nil && !os.IsNotExist(err) {
			return err
		}
		_, free, err := space(at)
		if err != nil || free <= room {
			return err
		}
		f, err := os.Create(ballast)
		if err != nil {
			return err
		}
		defer f.Close()
		return syscall.Fallocate(int(f.Fd()), 0, 0, free-room)
	}
	inner := filepath.Join(at, "store")
	return &place{dir: inner, cause: syscall.ENOSPC, limit: limit}, os.Mkdir(inner, 0o700)
}

// thinDisk is a disk that promises more than it has.
func thinDisk(dir string) (*place, error) {
	limit, err := mountTmpfs(dir)
	if err != nil {
		return nil, err
	}
	at, err := mountImage(dir, "-b", "4096", "-O", "^has_journal", "-E", "lazy_itable_init=0,nodiscard")
	if err != nil {
		return nil, err
	}
	inner := filepath.Join(at, "store")
	return &place{dir: inner, cause: syscall.ENOSPC, thin: true, limit: limit}, os.Mkdir(inner, 0o700)
}

// mountImage mounts an ext4 that lies in a file in dir, and returns where.
func mountImage(dir string, options ...string) (at string, err error) {
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	f, err := os.Create(image)
	if err != nil {
		return "", err
	}
	if err := f.Truncate(4 * limitless); err != nil { // with all that is in it already
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		return "", err
	}
	options = append([]string{"-q", "-F", "-m", "0"}, options...)
	for _, command := range [][]string{
		append(append([]string{"mkfs.ext4"}, options...), image),
		{"mount", "-o", "loop", image, at},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", command[0], err, out)
		}
	}
	return at, nil
}

// fileSize is a limit of the process for the size of each file.
func fileSize(dir string) (*place, error) {
	limit := func(room int64) error {
		var largest int64
		err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				largest = max(largest, info.Size())
			}
			return err
		})
		if err != nil {
			return err
		}
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			return err
		}
		l.Cur = uint64(largest + room)
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
	}
	return &place{dir: dir, cause: syscall.EFBIG, limit: limit}, nil
}

// quota is a file system of the process that has started this one, which is asked for
// room.
func quota(dir string) (*place, error) {
	answers := bufio.NewReader(os.Stdin)
	limit := func(room int64) error {
		fmt.Println("room", room)
		answer, err := answers.ReadString('\n')
		if err == nil && strings.TrimSpace(answer) != "ok" {
			err = fmt.Errorf("room: %s", answer)
		}
		return err
	}
	return &place{dir: dir, cause: syscall.EDQUOT, limit: limit}, nil
}
