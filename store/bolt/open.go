package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

const (
	fileMode = 0o600

	// tempSuffix makes the name of a file that is to take the place of the
	// store's. Only the holder of the lock uses it; what a crash has left
	// there is worth nothing.
	tempSuffix = ".tmp"
)

// An opening is a file on its way to becoming a store. The steps of run stand
// in the order in which they can be trusted.
type opening struct {
	path    string // as the program gave it
	names   bucketNames
	options options
	trusted bool // there is nothing to verify: this process has just written it

	real   string // the absolute path, links resolved
	file   *os.File
	info   os.FileInfo // of it
	ending bool        // another store of this process has it, and is being closed
	db     *bbolt.DB
	stale  bool // a meta page is lost: db may be as it was before the last transaction
}

// run opens the file, and closes it again if a step fails, which gives up the
// lock.
func (o *opening) run() error {
	if err := o.lock(); err != nil {
		return o.undo(err)
	}
	if syncsAtOpen {
		if err := o.syncBefore(); err != nil {
			return o.undo(err)
		}
	}
	if err := o.check(); err != nil {
		return o.undo(err)
	}
	if err := o.start(); err != nil {
		return o.undo(err)
	}
	// Best effort: the file is only a waste of space.
	_ = os.Remove(o.real + tempSuffix)
	return nil
}

// syncBefore makes durable what a killed process has left in the page cache, before
// anything is built on it: what is in the file, and that it is this file, for it may
// have been compacted a moment ago. Who may not read the directory cannot compact.
func (o *opening) syncBefore() error {
	if err := o.file.Sync(); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(o.real)); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func (o *opening) undo(err error) error {
	if o.file != nil {
		_ = release(o.file) // after a failure there is nothing to lose
	}
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return err
	}
	return fmt.Errorf("bolt: open %s: %w", o.path, err)
}

// openPath opens the file at the path, or an empty one if there is none.
func (o *opening) openPath() (os.FileInfo, error) {
	f, err := os.OpenFile(o.path, os.O_RDWR|os.O_CREATE, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the directory %s does not exist, create it first", filepath.Dir(o.path))
	}
	if err != nil {
		return nil, reason(err)
	}
	o.file = f
	info, err := f.Stat()
	if err != nil {
		return nil, reason(err)
	}
	o.info = info
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	// Absolute, for the program may change its directory; without links, for
	// a rename would replace the link and not the file.
	if o.real, err = filepath.Abs(o.path); err == nil {
		o.real, err = filepath.EvalSymlinks(o.real)
	}
	return info, err
}

// refuseNetwork fails where a lock and a memory map are not what they should be.
func (o *opening) refuseNetwork() error {
	if o.options.network {
		return nil
	}
	at := o.path
	if _, err := os.Stat(at); err != nil {
		at = filepath.Dir(at) // where it will be
	}
	if name := o.options.filesystem(at); name != "" {
		return fmt.Errorf("it is on a network file system (%s), where locks cannot be relied on: "+
			"put it on a local disk, or see bolt.WithNetworkFilesystem", name)
	}
	return nil
}

// start lets bbolt open the file, and makes sure that it holds a store.
func (o *opening) start() error {
	if !locksTwice {
		_ = unlock(o.file) // if it is not unlocked, bbolt says so
	}
	err, panicked := protect(func() (err error) {
		if o.db, err = bbolt.Open(o.real, fileMode, boltOptions(o.file, o.options.lockTimeout)); err != nil {
			return err
		}
		return prepare(o.db, o.path, o.names)
	})
	err = unreadable(o.real, err)
	switch {
	case err == nil:
		return nil
	case panicked, errors.Is(err, bberrors.ErrInvalid), errors.Is(err, bberrors.ErrChecksum):
		return &CorruptError{Path: o.path, Err: err}
	case errors.Is(err, bberrors.ErrTimeout):
		return o.locked()
	case o.db != nil:
		_, _ = protect(o.db.Close) // for the memory map; undo closes the file
	}
	return err
}

// createMissing is for systems where the lock is left to bbolt. It creates the
// file unless there is one by now. If it cannot, bbolt does, though a crash at
// that moment may leave half a file.
func (o *opening) createMissing() {
	if _, err := os.Stat(o.path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	_ = create(o.path, o.names, os.Link)
}
