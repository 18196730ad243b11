//go:build gimlet_broken

package bolt

import (
	"cmp"
	"os"
	"slices"
	"strings"
)

// without names the safeguards that a build for tests lacks, with commas between
// them. Where it is not set, the variable GIMLET_WITHOUT of the environment does. No
// program is to be built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/store/bolt.without=heals"
var without string

var lacks = strings.Split(cmp.Or(without, os.Getenv("GIMLET_WITHOUT")), ",")

var (
	syncsChanges   = has("syncsChanges")
	syncsNames     = has("syncsNames")
	syncsAtOpen    = has("syncsAtOpen")
	heals          = has("heals")
	boundsClose    = has("boundsClose")
	keepsTouches   = has("keepsTouches")
	survivesFaults = has("survivesFaults")
	locksJournals  = has("locksJournals")
	looksForFile   = has("looksForFile")
	sharesSyncs    = has("sharesSyncs")
	remaps         = has("remaps")
	mapsAhead      = has("mapsAhead")
	checksRecords  = has("checksRecords")
	verifiesFiles  = has("verifiesFiles")
	followsChanges = has("followsChanges")
)

func has(safeguard string) bool { return !slices.Contains(lacks, safeguard) }
