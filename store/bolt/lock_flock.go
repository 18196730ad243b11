//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package bolt

import (
	"errors"
	"os"
	"syscall"
)

const (
	// locksTwice says that bbolt can take the lock on a handle that has it.
	locksTwice = true

	// replacesOpenFiles says that a file can be renamed, and another one put in
	// its place, while it is open.
	replacesOpenFiles = true
)

// tryLock reports whether f could be locked for this process alone. It is the
// lock that bbolt takes as well.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return err == nil, err
		}
	}
}

// isNameless reports whether a file was removed.
func isNameless(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

func unlock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}
