//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package bolt

import "os"

// Here the lock is left to bbolt, and nothing is known of what else can be done with open
// files.
const (
	locksTwice        = true
	replacesOpenFiles = false
)

func tryLock(*os.File) (bool, error) { return true, nil }

// leadsElsewhere is never asked, nor is isNameless: what is open cannot be moved.
func leadsElsewhere(string, os.FileInfo) bool { return false }

func isNameless(os.FileInfo) bool { return false }

// unlock leaves it to Close.
func unlock(*os.File) error { return nil }
