//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package bolt

import "syscall"

// differs reports whether a path is known not to lead to the file with these marks.
func differs(path string, own *syscall.Stat_t) bool {
	var there syscall.Stat_t
	if err := syscall.Stat(path, &there); err != nil {
		return err == syscall.ENOENT
	}
	return own.Dev != there.Dev || own.Ino != there.Ino
}
