package gimlet

import (
	"crypto/sha256"

	"github.com/gimlet-go/gimlet/store"
)

// The manager keeps its own state in the store, as records under reserved
// IDs: six zero bytes, which no session's ID begins with, and a hash of the
// manager's name and of what is kept. They bypass cache and compression.

func reservedID(manager, what string) store.ID {
	sum := sha256.Sum256([]byte("gimlet reserved\x00" + manager + "\x00" + what))
	var id store.ID
	copy(id[6:], sum[:])
	return id
}

// revocationOwner is the owner under which revocations are listed, those of all
// managers together: they end each other's sessions. The NUL keeps it apart
// from the owners that programs use: Login refuses owners that begin with one.
const revocationOwner = "\x00gimlet.revoked"

func reservedOwner(owner string) bool {
	return len(owner) > 0 && owner[0] == 0
}
