package fault

import "golang.org/x/sys/unix"

const (
	arch          = unix.AUDIT_ARCH_X86_64
	sysNewfstatat = unix.SYS_NEWFSTATAT
)
