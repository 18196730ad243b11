package bolt

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

const (
	locksTwice        = false // so bbolt gets the file unlocked, and locks it at once
	replacesOpenFiles = false
)

var (
	kernel32         = syscall.NewLazyDLL("kernel32.dll")
	procLockFileEx   = kernel32.NewProc("LockFileEx")
	procUnlockFileEx = kernel32.NewProc("UnlockFileEx")
)

const (
	lockExclusively    = 0x2
	lockWithoutWaiting = 0x1

	errLockViolation = syscall.Errno(33)
)

// lockedByte is the byte that bbolt locks: the last one that a file could have.
func lockedByte() *syscall.Overlapped {
	return &syscall.Overlapped{Offset: 1<<32 - 1, OffsetHigh: 1<<32 - 1}
}

// tryLock reports whether f could be locked for this handle alone.
func tryLock(f *os.File) (bool, error) {
	ok, _, err := procLockFileEx.Call(f.Fd(), lockExclusively|lockWithoutWaiting, 0, 1, 0, uintptr(unsafe.Pointer(lockedByte())))
	if ok != 0 {
		return true, nil
	}
	if errors.Is(err, errLockViolation) {
		return false, nil
	}
	return false, err
}

// leadsElsewhere is never asked, nor is isNameless: what is open cannot be moved.
func leadsElsewhere(string, os.FileInfo) bool { return false }

func isNameless(os.FileInfo) bool { return false }

func unlock(f *os.File) error {
	ok, _, err := procUnlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(lockedByte())))
	if ok != 0 {
		return nil
	}
	return err
}
