//go:build !linux

package machine

import (
	"io/fs"
	"os"
	"runtime"
	"time"
)

// CPUTime returns the processor time that this process has used, where the
// system tells.
func CPUTime() (time.Duration, bool) { return 0, false }

// Written returns [ErrUnsupported].
func Written(string) (calls, disk int64, err error) { return 0, 0, ErrUnsupported }

// Anonymous returns [ErrUnsupported].
func Anonymous() (int64, error) { return 0, ErrUnsupported }

// DropCache returns [ErrUnsupported].
func DropCache(string) error { return ErrUnsupported }

// CachedBelow returns [ErrUnsupported].
func CachedBelow(string) (float64, error) { return 0, ErrUnsupported }

// Datasync makes the bytes of a file durable.
func Datasync(f *os.File) error { return f.Sync() }

func allocated(info fs.FileInfo) int64 { return info.Size() }

func cpuModel() string         { return unknown }
func memory() string           { return unknown }
func system() string           { return runtime.GOOS }
func fileSystem(string) string { return unknown }
