//go:build linux && (amd64 || arm64)

package fault

import "golang.org/x/sys/unix"

// A kind is a system call that can fail here.
type kind struct {
	name   string
	handle int // which of its arguments is an open file, or the directory of path
	path   int // and which a path, or none
}

const none = -1

var kinds = map[int32]kind{
	unix.SYS_READ:      {"read", 0, none},
	unix.SYS_WRITE:     {"write", 0, none},
	unix.SYS_PREAD64:   {"pread64", 0, none},
	unix.SYS_PWRITE64:  {"pwrite64", 0, none},
	unix.SYS_FDATASYNC: {"fdatasync", 0, none},
	unix.SYS_FSYNC:     {"fsync", 0, none},
	unix.SYS_FTRUNCATE: {"ftruncate", 0, none},
	unix.SYS_FALLOCATE: {"fallocate", 0, none},
	unix.SYS_FLOCK:     {"flock", 0, none},
	unix.SYS_FSTAT:     {"fstat", 0, none},
	unix.SYS_MMAP:      {"mmap", 4, none},
	unix.SYS_OPENAT:    {"openat", 0, 1},
	sysNewfstatat:      {"newfstatat", 0, 1},
	unix.SYS_RENAMEAT:  {"renameat", 0, 1},
	unix.SYS_UNLINKAT:  {"unlinkat", 0, 1},
}

// Where the numbers are that a filter sees.
const (
	atNumber   = 0
	atArch     = 4
	atArgument = 16 // the lower half of the first one; each has 8 bytes
)

// An assembler makes a program for the filter.
type assembler []unix.SockFilter

func (a *assembler) load(offset uint32) {
	*a = append(*a, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

func (a *assembler) ret(action uint32) {
	*a = append(*a, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action})
}

// skip goes over n instructions if what was loaded compares with k in that way.
func (a *assembler) skip(n uint8, compare uint16, k uint32) {
	*a = append(*a, unix.SockFilter{Code: unix.BPF_JMP | compare | unix.BPF_K, Jt: n, K: k})
}

// skipUnless goes over them if it does not.
func (a *assembler) skipUnless(n uint8, compare uint16, k uint32) {
	*a = append(*a, unix.SockFilter{Code: unix.BPF_JMP | compare | unix.BPF_K, Jf: n, K: k})
}

// program returns a filter that asks about the calls that can fail, and lets be what
// the Go runtime does for itself: that must not wait for one of its own goroutines. It
// maps memory that is of no file, and reads and writes eight bytes to wake itself.
func program() []unix.SockFilter {
	var a assembler
	a.load(atArch)
	a.skip(1, unix.BPF_JEQ, arch)
	a.ret(unix.SECCOMP_RET_ALLOW)
	a.load(atNumber)
	for number := range kinds {
		switch number {
		case unix.SYS_MMAP:
			a.skipUnless(4, unix.BPF_JEQ, uint32(number))
			a.load(atArgument + 4*8)
			a.skip(1, unix.BPF_JEQ, 0xffffffff)
			a.ret(unix.SECCOMP_RET_USER_NOTIF)
			a.ret(unix.SECCOMP_RET_ALLOW)
		case unix.SYS_READ, unix.SYS_WRITE:
			a.skipUnless(6, unix.BPF_JEQ, uint32(number))
			a.load(atArgument)
			a.skipUnless(3, unix.BPF_JGT, 2) // a message of the runtime that it ends
			a.load(atArgument + 2*8)
			a.skip(1, unix.BPF_JEQ, 8)
			a.ret(unix.SECCOMP_RET_USER_NOTIF)
			a.ret(unix.SECCOMP_RET_ALLOW)
		default:
			a.skipUnless(1, unix.BPF_JEQ, uint32(number))
			a.ret(unix.SECCOMP_RET_USER_NOTIF)
		}
	}
	a.ret(unix.SECCOMP_RET_ALLOW)
	return a
}
