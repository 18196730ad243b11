package bolt

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const lockRetry = 10 * time.Millisecond

// lock opens the file and takes its lock. A missing or empty file is replaced
// by a complete database, so that a crash never leaves half of one.
func (o *opening) lock() error {
	if err := o.refuseNetwork(); err != nil {
		return err
	}
	if !replacesOpenFiles {
		o.createMissing()
	}
	deadline := time.Now().Add(o.options.lockTimeout)
	for {
		info, err := o.openPath()
		if err != nil {
			return err
		}
		if err := o.waitForLock(info, deadline); err != nil {
			return err
		}
		// While this process waited, the holder of the lock may have put
		// another file in the place of this one.
		current, err := os.Stat(o.real)
		switch {
		case err != nil || !os.SameFile(info, current):
			if time.Now().After(deadline) {
				return o.locked()
			}
		case current.Size() > 0 || !replacesOpenFiles:
			return nil
		default:
			if err := o.refuseBusyJournal(); err != nil {
				return err
			}
			if err := create(o.real, o.names, os.Rename); err != nil {
				return fmt.Errorf("create: %w", err)
			}
		}
		_ = release(o.file)
	}
}

// refuseBusyJournal fails if a store has the journal that would be the file's.
func (o *opening) refuseBusyJournal() error {
	f, err := openJournal(o.real + journalSuffix)
	if f != nil {
		_ = f.Close()
	}
	return err
}

func (o *opening) waitForLock(info os.FileInfo, deadline time.Time) error {
	for {
		ok, err := o.tryLock(info)
		if ok || err != nil {
			return err
		}
		if !time.Now().Before(deadline) {
			return o.locked()
		}
		time.Sleep(lockRetry)
	}
}

// tryLock reports whether the file is held by this opening alone now. It fails when
// that would not change by waiting.
func (o *opening) tryLock(info os.FileInfo) (ok bool, err error) {
	claimed, ending := held.claim(o.file, info)
	o.ending = ending
	switch {
	case ending:
		return false, nil
	case !claimed:
		return false, fmt.Errorf("%w by another store of this process: share that one, or close it first", ErrLocked)
	}
	ok, err = tryLock(o.file)
	if !ok {
		held.forget(o.file)
	}
	if err != nil {
		err = fmt.Errorf("lock: %w", err)
	}
	return ok, err
}

func (o *opening) locked() error {
	if o.ending {
		return fmt.Errorf("%w by a store of this process that is being closed (waited %v)", ErrLocked, o.options.lockTimeout)
	}
	return fmt.Errorf("%w by another process (waited %v): stop that, or use another file", ErrLocked, o.options.lockTimeout)
}

// release unlocks f and closes it. A lock lives as long as anything that
// refers to the open file, and bbolt's memory map, which nobody can undo after
// a panic, is such a thing: so closing is not enough.
func release(f *os.File) error {
	defer held.forget(f)
	return errors.Join(unlock(f), f.Close())
}
