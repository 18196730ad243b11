//go:build gimlet_broken

package bolt

import (
	"cmp"
	"os"
)

// without names the safeguard that a build for tests lacks or, where it is not set, the
// variable GIMLET_WITHOUT of the environment does. No program is to be built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/store/bolt.without=heals"
var without string

var lacks = cmp.Or(without, os.Getenv("GIMLET_WITHOUT"))

var (
	syncsChanges   = lacks != "syncsChanges"
	syncsNames     = lacks != "syncsNames"
	syncsAtOpen    = lacks != "syncsAtOpen"
	heals          = lacks != "heals"
	boundsClose    = lacks != "boundsClose"
	keepsTouches   = lacks != "keepsTouches"
	survivesFaults = lacks != "survivesFaults"
	locksJournals  = lacks != "locksJournals"
	looksForFile   = lacks != "looksForFile"
	sharesSyncs    = lacks != "sharesSyncs"
)
