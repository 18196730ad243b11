package bolt

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var statx = unix.Statx

// leadsElsewhere reports whether a path is known not to lead to a file. It is asked for each
// group of changes. So it does not ask for times: a file whose times somebody has asked for
// gets new ones with the next write, and a sync that has to write those takes a third longer.
func leadsElsewhere(path string, own os.FileInfo) bool {
	stat, ok := own.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	var there unix.Statx_t
	switch err := statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &there); err {
	case nil:
		return unix.Mkdev(there.Dev_major, there.Dev_minor) != uint64(stat.Dev) || there.Ino != stat.Ino
	case unix.ENOENT:
		return true
	case unix.ENOSYS, unix.EPERM:
		return differs(path, stat) // Linux before 4.11, or a sandbox that does not know the call
	}
	return false // it may well be there
}
