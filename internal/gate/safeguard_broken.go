//go:build gimlet_broken

package gate

import (
	"cmp"
	"os"
)

// without names the safeguard that a build for tests lacks or, where it is not set, the
// variable GIMLET_WITHOUT of the environment does. No program is to be built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/internal/gate.without=shuts"
var without string

var shuts = cmp.Or(without, os.Getenv("GIMLET_WITHOUT")) != "shuts"
