package bolt

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"

	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
)

// known marks an error with what callers look for and would not find: the error of
// the system of which bbolt has kept only the text, and [store.ErrFull].
func known(err error) error {
	if cause := hiddenCause(err); cause != 0 {
		err = &marked{err, cause}
	}
	if isFull(err) && !errors.Is(err, store.ErrFull) {
		err = &marked{err, store.ErrFull}
	}
	return err
}

// A marked error is found by its mark as well, and says the same.
type marked struct{ err, mark error }

func (e *marked) Error() string   { return e.err.Error() }
func (e *marked) Unwrap() []error { return []error{e.mark, e.err} }

// hiding is what bbolt puts in front of errors of which it keeps only the text. All
// are of something that comes before a transaction is decided.
var hiding = []string{"file resize error: ", "file sync error: ", "mmap allocate error: ", "madvise: ", "meta 0 copy: ", "meta 1 copy: "}

func hides(err error) bool {
	return slices.ContainsFunc(hiding, func(what string) bool { return strings.Contains(err.Error(), what) })
}

// isCutOff reports whether bbolt has found the file shorter than any database, while
// its pages could still be read. The text is all that it says.
func isCutOff(err error) bool {
	return err != nil && strings.HasPrefix(strings.TrimPrefix(err.Error(), "mmap allocate error: "), "file size too small ")
}

// maxErrno is more than any error of a system that has to do with files.
const maxErrno = 200

// hiddenCause returns the error of the system that is at the end of such a text, or 0.
func hiddenCause(err error) syscall.Errno {
	var visible syscall.Errno
	if err == nil || !hides(err) || errors.As(err, &visible) {
		return 0
	}
	for cause := syscall.Errno(1); cause < maxErrno; cause++ {
		if strings.HasSuffix(err.Error(), ": "+cause.Error()) {
			return cause
		}
	}
	return 0
}

// isFault reports whether something could not be read for a reason that says nothing
// of what is to be read. What a disk cannot read (EIO) may be damaged.
func isFault(err error) bool {
	var cause syscall.Errno
	return errors.As(err, &cause) && (cause == syscall.ENOMEM || cause.Temporary())
}

// unreadable returns why the file at a path cannot be read, if that is why bbolt has
// found with err that it is no database, and else err.
func unreadable(path string, err error) error {
	if !errors.Is(err, bberrors.ErrInvalid) {
		return err
	}
	f, e := os.Open(path)
	if e != nil {
		return e
	}
	defer f.Close()
	var cause syscall.Errno
	if _, e := newestMeta(f); errors.As(e, &cause) {
		return e
	}
	return err
}

// isFull reports whether something has failed because there is no room.
func isFull(err error) bool {
	return errors.Is(err, bberrors.ErrMaxSizeReached) ||
		slices.ContainsFunc(noRoom, func(cause syscall.Errno) bool { return errors.Is(err, cause) })
}

// isUndecided reports whether a commit failed before its meta page was written, so
// that nothing of it is there. A write that found no room says so with its path; a sync
// does not, or says that it was one, and then the outcome is not known.
func isUndecided(err error) bool {
	var write *os.PathError
	return errors.Is(err, bberrors.ErrMaxSizeReached) || errors.Is(err, bberrors.ErrInvalidMapping) || hides(err) ||
		errors.As(err, &write) && write.Op != "sync" && isFull(err)
}
