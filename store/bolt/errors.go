package bolt

import (
	"errors"
	"fmt"
	"os"

	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
)

// ErrLocked says that the file is open already, in another process or in another
// store of this one. The error that wraps it names the file, who has it and, if that
// is another process, how long was waited.
var ErrLocked = errors.New("in use")

// ErrDamaged says that the file as a whole cannot be trusted, not only a record
// of it: restore a backup, or see [WithSalvage]. The error that wraps it
// is a [*CorruptError].
var ErrDamaged = errors.New("the file is damaged")

// ErrStuck says that [Store.Close] has given up waiting for the disk, which does not
// answer, or for what a store that has failed was writing. The close loses nothing
// that was acknowledged.
var ErrStuck = errors.New("the disk does not answer")

// A CorruptError says what is damaged: a record, then it wraps
// [store.ErrCorrupt], or the file, then it wraps [ErrDamaged]. The two are told
// apart because a damaged record is one session less, and a damaged file is a
// store that has failed.
type CorruptError struct {
	Path string   // the file: the database, or its journal
	ID   store.ID // the damaged record, or the zero ID when the file itself is damaged
	Page uint64   // the damaged page of the file, or 0 when it is not one page
	Err  error    // what is wrong with it
}

// Error names the file, the record or page and the damage, and says what can be
// done about a file.
func (e *CorruptError) Error() string {
	switch {
	case e.ID != store.ID{}:
		return fmt.Sprintf("bolt: %s: record %s is damaged: %v", e.Path, e.ID, e.Err)
	case e.Page != 0:
		return fmt.Sprintf("bolt: %s is damaged: page %d: %v; %s", e.Path, e.Page, e.Err, remedy)
	}
	return fmt.Sprintf("bolt: %s is damaged: %v; %s", e.Path, e.Err, remedy)
}

const remedy = "restore a backup, or rescue what can be read with bolt.WithSalvage"

// Unwrap makes the error match [store.ErrCorrupt] or [ErrDamaged], and what
// lies under it.
func (e *CorruptError) Unwrap() []error {
	if e.ID == (store.ID{}) {
		return []error{ErrDamaged, e.Err}
	}
	return []error{store.ErrCorrupt, e.Err}
}

// A VersionError says that the file has a format that this program is too old
// to understand. The file has not been changed.
type VersionError struct {
	Found     uint64 // the format of the file
	Supported uint64 // the newest format that this package understands
}

// Error says what can be done.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the file has format %d and this program understands up to format %d: "+
		"run a newer version of the program, or use another file", e.Found, e.Supported)
}

// corrupt says that a record or, with the zero ID, the file is damaged.
func (s *Store) corrupt(id store.ID, err error) error {
	return &CorruptError{Path: s.path, ID: id, Err: err}
}

// describe puts an error of bbolt or of the file system into this package's
// words: what failed, and where.
func (s *Store) describe(what string, err error) error {
	var corrupt *CorruptError
	switch {
	case errors.As(err, &corrupt), errors.Is(err, store.ErrClosed), err == s.failure.get():
		return err // these have all that is needed
	case errors.Is(err, bberrors.ErrDatabaseNotOpen):
		return s.closed()
	}
	return fmt.Errorf("bolt: %s %s: %w", what, s.path, known(err))
}

// uncertain says that what has failed may yet be there, at once or after a crash.
type uncertain struct{ err error }

func (e *uncertain) Error() string { return e.err.Error() + " (the outcome is not known)" }
func (e *uncertain) Unwrap() error { return e.err }

// isUncertain reports whether a failure leaves it open what became of a change.
func (s *Store) isUncertain(err error) bool {
	var u *uncertain
	return errors.As(err, &u) || err == s.failure.get()
}

// notSaved marks the error of a change that has had no effect.
func notSaved(err error) error {
	if errors.Is(err, store.ErrClosed) {
		return err
	}
	return &marked{err, store.ErrNotSaved}
}

// reason strips the operation and the path from an error of package os: the
// message that it goes into names them already.
func reason(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
