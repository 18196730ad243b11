package bolt

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// protect calls fn and turns a panic into an error. bbolt panics on what a
// damaged file contains, and reads it through a memory map, where touching a
// page that the file no longer has would end the program if it were not asked
// to panic instead.
func protect(fn func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(survivesFaults))
	defer func() {
		if p := recover(); p != nil {
			err, panicked = fmt.Errorf("unreadable structure: %v", p), true
		}
	}()
	return fn(), false
}

// guard calls fn, which uses bbolt. When fn panics the store has failed for
// good: bbolt may hold its locks from then on, so it is never called again.
func (s *Store) guard(fn func() error) error {
	if err := s.failure.get(); err != nil {
		return err
	}
	err, panicked := protect(fn)
	if panicked {
		return s.failure.set(s.corrupt(store.ID{}, err))
	}
	return err
}

// abandon closes a store that has failed, without bbolt, once nobody writes to its
// files any more. Whoever does may wait for a slow disk, and whatever is written to
// a file that has another owner by then destroys it. But a transaction that has not
// begun may wait for a lock of bbolt's that nobody will ever release; if it does
// begin it finds that the store has failed, and writes nothing. One at its end may
// wait for such a lock as well, when a reader has met the damage while it began. That
// cannot be told from writing, so there Close ends at its bound and the lock stays.
func (s *Store) abandon() error {
	for _, ended := range []chan struct{}{s.written, s.stopped} {
		for over := false; !over; {
			select {
			case <-ended:
				over = true
			case <-time.After(10 * time.Millisecond):
				mine := s.journal == nil || ended == s.stopped // those who are left write nothing else
				if mine && s.waits.Load() {
					return s.unlock()
				}
			}
		}
	}
	if s.journal != nil {
		_ = s.journal.close()
	}
	if s.file == nil {
		return nil
	}
	return release(s.file)
}

// unlock gives up the locks and leaves the files open, for somebody who is still
// using them: a number that is closed under a call may be another file's by the
// time it is used. They are closed with what refers to them, by the garbage
// collector.
func (s *Store) unlock() error {
	if s.journal != nil {
		if f := s.journal.lock.Load(); f != nil {
			_ = unlock(f)
		}
	}
	if s.file == nil {
		return nil
	}
	defer held.forget(s.file)
	return unlock(s.file)
}

// A failure ends a store before its Close.
type failure struct {
	once     sync.Once
	happened chan struct{}
	err      error // set before happened is closed
}

func (f *failure) init() { f.happened = make(chan struct{}) }

// set keeps the first error, and returns it.
func (f *failure) set(err error) error {
	f.once.Do(func() {
		f.err = err
		close(f.happened)
	})
	return f.err
}

// get returns the error, or nil while there is none.
func (f *failure) get() error {
	select {
	case <-f.happened:
		return f.err
	default:
		return nil
	}
}
