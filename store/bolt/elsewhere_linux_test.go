package bolt_test

import (
	"syscall"
	"testing"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// Where the system refuses statx, as old kernels and some sandboxes do, a journal
// that is lost is noticed all the same.
func TestLock_lostJournalWithoutStatx(t *testing.T) {
	for _, refusal := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		t.Run(refusal.Error(), func(t *testing.T) {
			defer bolt.RefuseStatx(refusal)()
			TestLock_lostJournal(t)
		})
	}
}
