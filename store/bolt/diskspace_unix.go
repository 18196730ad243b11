//go:build linux || darwin

package bolt

import (
	"path/filepath"
	"syscall"
)

// hasDiskSpace reports whether the disk of a file has room for another one of
// the given size, twice over, so that nobody else is kept from writing.
func hasDiskSpace(path string, size int64) bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &fs); err != nil {
		return false
	}
	return fs.Bavail >= 2*uint64(size)/uint64(fs.Bsize)
}
