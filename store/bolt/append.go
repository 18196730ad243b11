package bolt

import (
	"context"
	"errors"
	"time"
)

// maxPace is the most that a group is put off when the journal fills faster than
// it is emptied. Short waits for all replace a long one for some.
const maxPace = 10 * time.Millisecond

// pace puts the writer off when the journal is nearly full.
func (s *Store) pace() {
	if s.journal == nil {
		return
	}
	most := s.journal.size / 4
	if over := s.load() - 3*most; over > 0 {
		time.Sleep(time.Duration(min(over, most)) * maxPace / time.Duration(most))
	}
}

// writeAhead makes the states of a group durable with one sync of the journal.
func (s *Store) writeAhead(list []move) error {
	j := s.journal
	if !s.hasJournal() {
		return s.without(list, nil)
	}
	frame := j.frame(list)
	n := int64(len(frame))
	if n > j.size/4 {
		return s.ask(func() error { return s.bypass(list) })
	}
	if !s.hasRoom(n) {
		if err := s.ask(func() error { return s.makeRoom(n) }); err != nil {
			return err
		}
	}
	begin := j.head.Load()
	end, err := j.append(frame)
	if err != nil {
		j.retry = time.Now().Add(checkpointInterval)
		return s.without(list, err)
	}
	s.stats.appended(n)
	s.overlay.publish(list, end)
	j.head.Store(end) // who moves up to here finds the frame
	if j.tail.Load() == begin || s.load() > j.size/2 {
		s.stir()
	}
	return nil
}

// without makes the states of a group durable in the database, together with all
// that was acknowledged, and gives up the journal. It is what remains when the
// journal has failed with err: what the file has of the group is lost with it. Without an
// err a crash would not find the journal.
func (s *Store) without(list []move, err error) error {
	perhaps := err != nil && s.journal.lost // the group may be in the file
	failed := s.ask(func() error { return s.detach(list) })
	switch {
	case failed == nil || err == nil:
		return failed
	case perhaps:
		return &uncertain{errors.Join(err, failed)}
	}
	return errors.Join(err, failed)
}

// ask has the checkpointer do something for the writer.
func (s *Store) ask(job func() error) error {
	r := &request{job: job, ctx: context.Background(), done: make(chan struct{}, 1)}
	select {
	case s.work <- r:
	case <-s.failure.happened:
		return s.failure.get()
	}
	select {
	case <-r.done:
		return r.err
	case <-s.failure.happened:
		return s.failure.get()
	}
}
