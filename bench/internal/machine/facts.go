// Package machine says what the numbers were measured on, and reads from the
// system what Go does not know: processor time, bytes that went to the disk,
// memory that is not page cache. Some of it only Linux tells.
package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// ErrUnsupported is returned where the system does not tell.
var ErrUnsupported = errors.New("machine: only Linux tells this")

// Facts describe a machine.
type Facts struct {
	CPU        string
	Cores      int // that the process may use
	Memory     string
	OS         string
	Go         string
	FileSystem string // of the directory with the stores
}

// Describe describes this machine, and the file system of dir.
func Describe(dir string) Facts {
	return Facts{
		CPU:        cpuModel(),
		Cores:      runtime.GOMAXPROCS(0),
		Memory:     memory(),
		OS:         system(),
		Go:         runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		FileSystem: fileSystem(dir),
	}
}

const unknown = "unknown"

// field returns the value of the first line "name: value" of a file, "" if
// there is none.
func field(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// FileBytes returns the sum of the lengths of all files below dir.
func FileBytes(dir string) (int64, error) {
	return sum(dir, func(info fs.FileInfo) int64 { return info.Size() })
}

// AllocatedBytes returns the sum of what the files below dir take up on the
// disk, which for files with holes is less than their length.
func AllocatedBytes(dir string) (int64, error) {
	return sum(dir, allocated)
}

func sum(dir string, size func(fs.FileInfo) int64) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += size(info)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("machine: size of %s: %w", dir, err)
	}
	return total, nil
}
