//go:build !windows

package bolt

import "syscall"

// noRoom is what the system says when a file cannot grow: the disk is full, or what a
// user or a process may have of it is used up.
var noRoom = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
