//go:build !linux || !(amd64 || arm64)

package crash_test

import "testing"

func TestCrash(t *testing.T) { t.Skip("skipped: needs strace on Linux with 64 bits") }

func TestSyncError(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }

func TestRestart(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }

func TestClose_stuck(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }

func TestClose_stuck_site(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }

func TestSlowDisk(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }

func TestPowerCut(t *testing.T) { t.Skip("skipped: needs FUSE of Linux with 64 bits") }
