//go:build !gimlet_broken

package bolt

// The safeguards whose worth tests must show. They are constants, so that they cost
// nothing; tests take one of them out, see safeguard_broken.go.
const (
	syncsChanges   = true // what is acknowledged was synced
	syncsNames     = true // so is the name of a file, before anything relies on it
	syncsAtOpen    = true // what another process has left in the page cache is synced before it is built on
	heals          = true // see heal
	boundsClose    = true // Close does not wait for a disk for ever
	keepsTouches   = true // Close writes the touches that wait
	survivesFaults = true // a page that the file no longer has is an error
	locksJournals  = true // a journal that is in use is left alone
	looksForFile   = true // nothing is saved in a file that was removed
	sharesSyncs    = true // changes that wait together are synced together
	remaps         = true // a memory map that could not grow is made anew
	mapsAhead      = true // there is address space for a file that grows
	checksRecords  = true // what is read is what was saved, by its checksum
	verifiesFiles  = true // bbolt sees no file whose structure was not verified
	followsChanges = true // what changes while a copy is made is copied once more
)
