package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// Close writes what is pending, ends the writer and, if the store opened the
// file, closes it and gives up its lock. Changes that are already waiting are
// committed; later calls of any method fail with [store.ErrClosed]. Closing
// again is nil, once the first Close has returned.
//
// A disk that does not answer keeps Close for 10 seconds (see [WithCloseTimeout]).
// Then it returns an error that wraps [ErrStuck], and the calls that still wait end
// as well. What was acknowledged is safe: the program may end, and the next Open
// finds it. If the program goes on, so does the work: when the disk answers, what is
// left is written and the file is given up; until then Open fails with [ErrLocked].
// The same goes for a store that has failed while it wrote.
func (s *Store) Close() error {
	var err error
	s.closeOnce.Do(func() { err = s.close() })
	return err
}

func (s *Store) close() error {
	if s.err != nil {
		return s.err
	}
	announce := func() {
		held.end(s.file)
		s.gate.RUnlock()
	}
	open := s.gate.TryRLock() // a reader that waits for the disk may keep it shut
	if open {
		announce()
	}
	close(s.closing)
	ended := make(chan error, 1)
	go func() {
		if !open {
			s.gate.RLock()
			announce()
		}
		ended <- s.end()
	}()
	if !boundsClose {
		return <-ended
	}
	patience := time.NewTimer(s.options.closeTimeout)
	defer patience.Stop()
	select {
	case err := <-ended:
		return err
	case <-patience.C:
	}
	close(s.givenUp)
	if failure := s.failure.get(); failure != nil {
		consequence := ""
		if s.owned {
			consequence = ", and keeps the file locked until it does, or the program ends"
		}
		return &marked{fmt.Errorf("bolt: close %s: what was under way when the store failed does not end (waited %v)%s: %w",
			s.path, s.options.closeTimeout, consequence, failure), ErrStuck}
	}
	return fmt.Errorf("bolt: close %s: %w (waited %v): what was acknowledged is safe, and is found when it is opened again",
		s.path, ErrStuck, s.options.closeTimeout)
}

// end waits for the goroutines that write, and closes what they have used. Nothing is
// closed under one that still waits for the disk.
func (s *Store) end() error {
	select {
	case <-s.stopped:
	case <-s.failure.happened:
		return s.abandon()
	}
	if s.failure.get() != nil {
		return s.abandon()
	}
	err := s.unwritten
	if err == nil && s.whereabouts() == removed {
		err = errRemoved
	}
	s.retired.Wait()
	if s.journal != nil {
		err = errors.Join(err, s.journal.close())
	}
	if s.owned {
		if e := s.guard(s.db.Close); e != nil && err == nil {
			err = e
		}
		held.forget(s.file)
	}
	if err != nil {
		return fmt.Errorf("bolt: close %s: %w", s.path, known(err))
	}
	return nil
}

// ready reports why a call cannot begin.
func (s *Store) ready(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closing:
		return s.closed()
	default:
		return s.failure.get()
	}
}

func (s *Store) closed() error {
	return fmt.Errorf("bolt: %s: %w", s.path, store.ErrClosed)
}
