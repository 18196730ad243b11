package bolt

import (
	"errors"

	"go.etcd.io/bbolt"
)

// When bbolt panics while it begins a transaction that reads, because the file
// was cut off say, it leaves a lock behind for which each beginning and each end
// of such a transaction waits. So one begins at a time, and those that come after a
// panic do not ask bbolt any more.

// reading calls fn within a transaction of db that reads.
func (s *Store) reading(db *bbolt.DB, fn func(*bbolt.Tx) error) error {
	tx, err := s.beginReading(db)
	if err != nil {
		return err
	}
	err = s.guard(func() error { return fn(tx) })
	s.endReading(tx)
	return err
}

func (s *Store) beginReading(db *bbolt.DB) (tx *bbolt.Tx, err error) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	err = s.guard(func() (err error) {
		tx, err = db.Begin(false)
		return err
	})
	return tx, err
}

// endReading does not wait for a transaction that begins: that may wait for the end
// of this one, or never end itself. While there is one, another goroutine does the
// work. After a panic nobody does, for bbolt is never called again.
func (s *Store) endReading(tx *bbolt.Tx) {
	if errors.Is(s.failure.get(), ErrDamaged) {
		return
	}
	if !s.beginning.TryLock() {
		go func() { _ = tx.Rollback() }()
		return
	}
	defer s.beginning.Unlock()
	if errors.Is(s.failure.get(), ErrDamaged) {
		return // the one that had begun meanwhile is what has panicked
	}
	_ = tx.Rollback() // it fails only when it is called twice
}
