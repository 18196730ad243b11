//go:build !linux || !(amd64 || arm64)

package fault_test

import "testing"

func TestSyscall(t *testing.T) { t.Skip("skipped: needs seccomp of Linux with 64 bits") }

func TestFull(t *testing.T) { t.Skip("skipped: needs file systems of Linux") }
