package bolt

import (
	"os"
	"syscall"
)

// canMap reports why the system would not map f into memory as bbolt does.
func canMap(f *os.File, least int) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, max(least, int(info.Size())), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	err = syscall.Madvise(b, syscall.MADV_RANDOM)
	_ = syscall.Munmap(b)
	return os.NewSyscallError("madvise", err)
}
