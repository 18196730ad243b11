package bolt

import "syscall"

// noRoom is what the system says when a file cannot grow: ERROR_DISK_FULL,
// ERROR_HANDLE_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED and ERROR_FILE_TOO_LARGE.
var noRoom = []syscall.Errno{112, 39, 1295, 223}
