//go:build !gimlet_broken

package bolt

// The safeguards against a crash whose worth tests must show. They are constants,
// so that they cost nothing; tests take one of them out, see safeguard_broken.go.
const (
	syncsChanges = true // what is acknowledged was synced
	syncsNames   = true // so is the name of a file, before anything relies on it
	syncsAtOpen  = true // what another process has left in the page cache is synced before it is built on
	heals        = true // see heal
)
