//go:build race

package cache_test

// raceEnabled tells tests that the race detector slows them down and makes
// pools forget, which costs allocations.
const raceEnabled = true
