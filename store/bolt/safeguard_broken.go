//go:build gimlet_broken

package bolt

// without names the safeguard that a build for tests lacks. No program is to be
// built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/store/bolt.without=heals"
var without string

var (
	syncsChanges   = without != "syncsChanges"
	syncsNames     = without != "syncsNames"
	syncsAtOpen    = without != "syncsAtOpen"
	heals          = without != "heals"
	boundsClose    = without != "boundsClose"
	keepsTouches   = without != "keepsTouches"
	survivesFaults = without != "survivesFaults"
	locksJournals  = without != "locksJournals"
	looksForFile   = without != "looksForFile"
	sharesSyncs    = without != "sharesSyncs"
)
