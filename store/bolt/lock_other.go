//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package bolt

import "os"

// locksBeforeOpening says that here a lock cannot be taken twice on one
// handle: it is left to bbolt.
const locksBeforeOpening = false

func tryLock(*os.File) (bool, error) { return true, nil }

// unlock leaves it to Close.
func unlock(*os.File) error { return nil }
