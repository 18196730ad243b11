package bolt

import "go.etcd.io/bbolt"

// When bbolt panics while it begins a transaction that reads, because the file
// was cut off say, it leaves locks behind for which each beginning and each end
// of such a transaction waits. So one begins at a time, and those that come after such
// a panic do not ask bbolt any more. After one that was met later the transaction ends
// as ever: others may be waiting for that.

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
		s.inBegin = true
		tx, err = db.Begin(false)
		s.inBegin = false
		return err
	})
	return tx, err
}

// endReading does not wait for a transaction that begins: that may wait for the end
// of this one, or never end itself. While there is one, another goroutine does the
// work.
func (s *Store) endReading(tx *bbolt.Tx) {
	if !s.beginning.TryLock() {
		go func() { _ = tx.Rollback() }()
		return
	}
	defer s.beginning.Unlock()
	if s.inBegin {
		return // bbolt's locks are lost
	}
	_ = tx.Rollback() // it fails only when it is called twice
}
