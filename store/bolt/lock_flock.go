//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package bolt

import (
	"errors"
	"os"
	"syscall"
)

// locksBeforeOpening says that tryLock takes the lock that bbolt takes as
// well, on the same handle. So the file can be looked at, and an empty one
// replaced, before bbolt sees it.
const locksBeforeOpening = true

// tryLock reports whether f could be locked for this process alone.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func unlock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}
