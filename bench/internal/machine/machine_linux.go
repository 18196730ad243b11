package machine

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CPUTime returns the processor time that this process has used.
func CPUTime() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

// Written returns how many bytes this process has given to write calls since it
// began, and how many bytes the disk that dir is on has been given by everybody,
// after all that waits has been written. The process's own count of the latter
// (write_bytes of /proc/self/io) is not used: where pages are kept in large folios
// it counts a whole one for each byte.
func Written(dir string) (calls, disk int64, err error) {
	const path = "/proc/self/io"
	if calls, err = strconv.ParseInt(field(path, "wchar"), 10, 64); err != nil {
		return 0, 0, fmt.Errorf("machine: %s: %w", path, err)
	}
	var at unix.Stat_t
	if err := unix.Stat(dir, &at); err != nil {
		return 0, 0, fmt.Errorf("machine: %s: %w", dir, err)
	}
	unix.Sync()
	counts := fmt.Sprintf("/sys/dev/block/%d:%d/stat", unix.Major(at.Dev), unix.Minor(at.Dev))
	b, err := os.ReadFile(counts)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: what the disk has been given: %v", ErrUnsupported, err)
	}
	const sectors, sectorSize = 6, 512 // Documentation/block/stat.rst of Linux
	fields := strings.Fields(string(b))
	if len(fields) <= sectors {
		return 0, 0, fmt.Errorf("machine: %s has %d fields", counts, len(fields))
	}
	disk, err = strconv.ParseInt(fields[sectors], 10, 64)
	return calls, disk * sectorSize, err
}

// Anonymous returns how many bytes of memory this process has that are not
// pages of a file.
func Anonymous() (int64, error) {
	const path = "/proc/self/status"
	kb, err := strconv.ParseInt(strings.TrimSuffix(field(path, "RssAnon"), " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("machine: %s: %w", path, err)
	}
	return kb << 10, nil
}

// DropCache writes out the files below dir and takes them out of the page
// cache, as far as no process has them mapped.
func DropCache(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
	if err != nil {
		return fmt.Errorf("machine: drop the page cache: %w", err)
	}
	return nil
}

// CachedBelow returns the share of the files below dir that is in the page
// cache.
func CachedBelow(dir string) (float64, error) {
	var cached, all int
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n, of, err := cachedPages(path)
		cached, all = cached+n, all+of
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("machine: look at the page cache: %w", err)
	}
	return float64(cached) / float64(max(all, 1)), nil
}

func cachedPages(path string) (cached, all int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, 0, err
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Munmap(mapped)
	page := os.Getpagesize()
	resident := make([]byte, (len(mapped)+page-1)/page)
	_, _, failed := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])),
		uintptr(len(mapped)), uintptr(unsafe.Pointer(&resident[0])))
	if failed != 0 {
		return 0, 0, failed
	}
	for _, r := range resident {
		cached += int(r & 1)
	}
	return cached, len(resident), nil
}

// Datasync makes the bytes of a file durable, but not its times.
func Datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

func allocated(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}

func cpuModel() string {
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		return model
	}
	return unknown
}

func memory() string {
	kb, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%.1f GiB", float64(kb)/(1<<20))
}

func system() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	return "Linux " + unix.ByteSliceToString(u.Release[:])
}

// fileSystem finds the mount with the longest path that dir is below.
func fileSystem(dir string) string {
	b, err := os.ReadFile("/proc/self/mounts")
	abs, absErr := filepath.Abs(dir)
	if err != nil || absErr != nil {
		return unknown
	}
	kind, longest := unknown, -1
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		below := abs == f[1] || strings.HasPrefix(abs, strings.TrimSuffix(f[1], "/")+"/")
		if below && len(f[1]) > longest {
			kind, longest = f[2]+" on "+f[0], len(f[1])
		}
	}
	return kind
}
