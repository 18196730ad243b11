//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package bolt

import (
	"os"
	"syscall"
)

// leadsElsewhere reports whether a path is known not to lead to a file. It is asked for each
// group of changes, and so does without package os, which would allocate more.
func leadsElsewhere(path string, own os.FileInfo) bool {
	stat, ok := own.Sys().(*syscall.Stat_t)
	return ok && differs(path, stat)
}
