//go:build gimlet_broken

package cache

import (
	"cmp"
	"os"
)

// without names the safeguard that a build for tests lacks or, where it is not set, the
// variable GIMLET_WITHOUT of the environment does. No program is to be built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/cache.without=checksChanges"
var without string

var checksChanges = cmp.Or(without, os.Getenv("GIMLET_WITHOUT")) != "checksChanges"
