//go:build gimlet_broken

package gate

// without names the safeguard that a build for tests lacks. No program is to be
// built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/internal/gate.without=shuts"
var without string

var shuts = without != "shuts"
