package bolt

import (
	"errors"
	"time"
)

// With a journal two goroutines write: the writer appends to the journal, and
// the checkpointer moves what the journal has into the database, in bulk and
// only the newest state of each record. It is also the one that sweeps and
// compacts. Nobody waits for it but those who ask it for something, and a writer
// whose ring is full.

// checkpointInterval is how long a change may be in the journal alone when there
// is room.
const checkpointInterval = 10 * time.Second

// checkpoint is the checkpointer. Unless the store has failed it ends after the
// writer.
func (s *Store) checkpoint() {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	timer.Stop()
	armed := false
	for {
		if !armed && s.journal.used() > 0 {
			timer.Reset(checkpointInterval)
			armed = true
		}
		select {
		case r := <-s.work:
			s.do(r)
			s.shrink()
		case <-s.wake:
			if s.load() > s.journal.size/2 && s.step() == nil {
				s.stir()
			}
		case <-timer.C:
			armed = false
			if s.moveAll() == nil { // else tried again, and reported to whom it concerns
				s.shrink()
			}
		case <-s.written:
			s.finish()
			return
		case <-s.failure.happened:
			return
		}
	}
}

func (s *Store) do(r *request) {
	if !r.claim(taken) {
		return
	}
	if err := r.ctx.Err(); err != nil {
		r.finish(err)
		return
	}
	r.finish(r.job())
}

// finish does what is left to do when the writer has ended.
func (s *Store) finish() {
	for {
		select {
		case r := <-s.work:
			s.do(r)
			continue
		default:
		}
		s.unwritten = s.endJournal()
		return
	}
}

// stir makes the checkpointer look how full the journal is.
func (s *Store) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// load is how full the journal is, or how much memory its states take if that
// is more than it should be.
func (s *Store) load() int64 { return max(s.journal.used(), s.overlay.size()/2) }

// makeRoom moves frames until one of n bytes fits, and until their states take
// no more memory than they may.
func (s *Store) makeRoom(n int64) error {
	for !s.hasRoom(n) {
		err := s.step()
		if err == errNothingToMove && s.journal.fits(n) {
			return nil // what takes the memory is about to be appended
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) hasRoom(n int64) bool {
	return s.journal.fits(n) && s.overlay.size() <= 2*s.journal.size
}

var errNothingToMove = errors.New("nothing to move")

// maxStep is how many records a step moves at most: among very many each has a
// page of its own, which is in memory while it is written, some 6 KiB.
const maxStep = 3000

// step moves the oldest eighth of the journal: enough to write each page for
// several records, and little enough to hold its pages in memory. Where there is no
// room for their new pages it moves fewer, which need fewer.
func (s *Store) step() error {
	err := s.stepOf(maxStep)
	for most := maxStep / 8; most > 0 && isFull(err) && !s.isUncertain(err); most /= 8 {
		err = s.stepOf(most)
	}
	return err
}

// stepOf is a step of at most so many records.
func (s *Store) stepOf(most int) error {
	tail := s.journal.tail.Load()
	end := s.overlay.stepEnd(tail, s.journal.size/8, most)
	if end == tail {
		return errNothingToMove
	}
	return s.moveUpTo(end, func(t *txn) error { return t.setJournal(s.journal.id, end) })
}

// moveAll moves what the journal has now.
func (s *Store) moveAll() error {
	for head := s.journal.head.Load(); s.journal.tail.Load() < head; {
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// moveUpTo brings the frames up to end into the database, in one transaction
// with what then is done.
func (s *Store) moveUpTo(end int64, then func(t *txn) error) error {
	list := s.overlay.due(end)
	err := s.update(func(t *txn) error {
		if err := t.apply(list); err != nil {
			return err
		}
		return then(t)
	})
	if err != nil {
		return err
	}
	s.stats.moved(len(list))
	s.overlay.moved(list, end)
	s.journal.tail.Store(end)
	return nil
}
