package bolt

import (
	"os"
	"syscall"
)

// syncData makes what was written to f durable, and its length. It leaves out
// the times of the file, which would cost a second write.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
