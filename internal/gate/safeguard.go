//go:build !gimlet_broken

package gate

// shuts says that a closed gate lets nobody in. A test takes it out to show its worth,
// see safeguard_broken.go.
const shuts = true
