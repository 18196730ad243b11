//go:build race

package bolt_test

// raceEnabled tells tests that the race detector slows them down.
const raceEnabled = true
