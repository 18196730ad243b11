//go:build linux && (amd64 || arm64)

package fault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Call is a system call about a file.
type Call struct {
	Name string // of the call, as strace has it
	Path string // of the file: the first one, if there are two
}

// A Judge says with which error a call fails, or 0 if it is done. It is asked about
// one call at a time, by a goroutine that waits for nothing else: it must not do such
// calls itself.
type Judge func(Call) syscall.Errno

// Environment is what a process must have in its environment that uses [Install]. The Go
// runtime, and the C library as it starts a thread, would read files to find out how
// many processors there are, and wait for the judge in a state in which no goroutine
// can go on, the judge's neither.
var Environment = []string{"GOMAXPROCS=8", "MALLOC_ARENA_MAX=1"}

// Install has judge asked, from now on and until the process ends. It fails where
// the system has no such means, or does not grant it. The process must have been
// started with [Environment].
func Install(judge Judge) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("fault: give up privileges: %w", err)
	}
	filter := program()
	p := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	for _, also := range []uintptr{unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0} {
		listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags|also, uintptr(unsafe.Pointer(&p)))
		switch {
		case errno == 0:
			go serve(listener, judge)
			return nil
		case errno != unix.EINVAL || also == 0:
			return fmt.Errorf("fault: seccomp with user notification: %w", errno)
		}
	}
	return nil
}

// What the kernel and who decides tell each other.
type (
	question struct {
		id        uint64
		pid       uint32
		flags     uint32
		number    int32
		arch      uint32
		at        uint64
		arguments [6]uint64
	}
	answer struct {
		id     uint64
		value  int64
		errno  int32
		action uint32
	}
)

func serve(listener uintptr, judge Judge) {
	for {
		var q question
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&q)))
		if errno == unix.EINTR || errno == unix.ENOENT {
			continue // who asked was interrupted, and asks again
		}
		if errno != 0 {
			panic(fmt.Sprintf("fault: receive: %v", errno))
		}
		a := answer{id: q.id, action: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if errno := judge(q.call()); errno != 0 {
			a.errno, a.action = -int32(errno), 0
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a)))
	}
}

func (q *question) call() Call {
	k := kinds[q.number]
	if k.path == none {
		return Call{k.name, handlePath(q.arguments[k.handle])}
	}
	path := text(q.arguments[k.path])
	switch {
	case path == "":
		path = handlePath(q.arguments[k.handle])
	case !filepath.IsAbs(path) && int32(q.arguments[k.handle]) != unix.AT_FDCWD:
		path = filepath.Join(handlePath(q.arguments[k.handle]), path)
	}
	return Call{k.name, path}
}

func handlePath(handle uint64) string {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(int32(handle))))
	if err != nil {
		return ""
	}
	return path
}

// text returns the text at an address, which ends with a zero.
func text(at uint64) string {
	var b [unix.PathMax]byte
	for n := 0; n < len(b); {
		// No further than the page, for what follows may not be there.
		part := min(len(b)-n, os.Getpagesize()-int(at+uint64(n))%os.Getpagesize())
		local := []unix.Iovec{{Base: &b[n]}}
		local[0].SetLen(part)
		got, err := unix.ProcessVMReadv(os.Getpid(), local, []unix.RemoteIovec{{Base: uintptr(at) + uintptr(n), Len: part}}, 0)
		if err != nil || got == 0 {
			return ""
		}
		if end := bytes.IndexByte(b[n:n+got], 0); end >= 0 {
			return string(b[:n+end])
		}
		n += got
	}
	return ""
}
