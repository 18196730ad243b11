package bolt

import (
	"errors"
	"time"
)

// A store has a journal from its first change on. It begins another one after a
// failure, and when no file could be made it does without for a while.

// hasJournal reports whether a group can be appended, and begins a journal if it
// is time to. Only the writer calls it.
func (s *Store) hasJournal() bool {
	j := s.journal
	switch {
	case j.lost:
		return false
	case j.file != nil:
		return !replacesOpenFiles || !leadsElsewhere(j.path, j.info)
	case time.Now().Before(j.retry):
		return false
	}
	err := s.ask(s.attach)
	if err != nil {
		j.retry = time.Now().Add(checkpointInterval)
	}
	return err == nil
}

// bypass makes a group durable in the database, for it is too large for the
// journal. Positions go on beyond all that the ring can hold, so that nobody
// ever reads frames from before and after the group without it.
func (s *Store) bypass(list []move) error {
	if err := s.moveAll(); err != nil {
		return err
	}
	next := (s.journal.head.Load()/s.journal.size + 3) * s.journal.size
	err := s.update(func(t *txn) error {
		if err := t.apply(list); err != nil {
			return err
		}
		return t.setJournal(s.journal.id, next)
	})
	if err != nil {
		s.doubtJournal(err)
		return err
	}
	s.journal.head.Store(next)
	s.journal.tail.Store(next)
	s.overlay.forget(list)
	return nil
}

// doubtJournal is for a transaction that was to leave the journal, or a part of its
// ring, and has failed. If it may have happened all the same, the database does not
// look any more for what would be appended now.
func (s *Store) doubtJournal(err error) {
	if s.isUncertain(err) || !isUndecided(err) {
		s.journal.lost = true
	}
}

// attach begins a journal.
func (s *Store) attach() error {
	if err := s.atItsPath(); err != nil {
		return err // then the place for the journal may not be its own
	}
	if err := s.journal.create(); err != nil {
		return err
	}
	j := s.journal
	if err := s.failure.get(); err != nil {
		// Close may have looked for a lock to give up before there was this one.
		return errors.Join(err, j.remove())
	}
	err := s.update(func(t *txn) error { return t.setJournal(j.id, j.head.Load()) })
	j.lost = err != nil // the database may not know it
	return err
}

// detach moves everything, and more, and gives up the journal.
func (s *Store) detach(more []move) error {
	err := s.moveUpTo(s.journal.head.Load(), func(t *txn) error {
		if err := t.apply(more); err != nil {
			return err
		}
		return t.forgetJournal()
	})
	if err != nil {
		s.doubtJournal(err)
		return err
	}
	s.overlay.forget(more)
	_ = s.journal.remove() // best effort: it is only a waste of space now
	return nil
}

// endJournal leaves one file behind, which has everything. Its last transaction is a
// small one: should a meta page be lost one day, what the one before it has moved
// is still there.
func (s *Store) endJournal() error {
	if err := s.moveAll(); err != nil {
		return err
	}
	if loose := s.overlay.someLoose(s.overlay.waiting()); len(loose) > 0 && keepsTouches {
		if err := s.update(func(t *txn) error { return t.apply(loose) }); err != nil {
			return err
		}
		s.overlay.forget(loose)
	}
	return s.detach(nil)
}

func (t *txn) setJournal(id journalID, position int64) error {
	t.writes++
	return t.meta.Put(journalKey, mark{id, position}.encode())
}

func (t *txn) forgetJournal() error {
	if t.meta.Get(journalKey) == nil {
		return nil
	}
	t.writes++
	return t.meta.Delete(journalKey)
}
