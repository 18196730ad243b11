package fault

import "golang.org/x/sys/unix"

const (
	arch          = unix.AUDIT_ARCH_AARCH64
	sysNewfstatat = unix.SYS_FSTATAT
)
