package bolt

import "golang.org/x/sys/unix"

// RefuseStatx lets the system call fail.
func RefuseStatx(err error) (undo func()) {
	statx = func(int, string, int, int, *unix.Statx_t) error { return err }
	return func() { statx = unix.Statx }
}
