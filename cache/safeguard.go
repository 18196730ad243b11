//go:build !gimlet_broken

package cache

// checksChanges is the safeguard whose worth tests must show: what is in the cache is
// an answer only if nothing was written since. It is a constant, so that it costs
// nothing; tests take it out, see safeguard_broken.go.
const checksChanges = true
