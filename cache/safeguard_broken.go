//go:build gimlet_broken

package cache

// without names the safeguard that a build for tests lacks. No program is to be
// built like that:
//
//	go test -c -tags gimlet_broken -ldflags "-X github.com/gimlet-go/gimlet/cache.without=checksChanges"
var without string

var checksChanges = without != "checksChanges"
