package bolt

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/gimlet-go/gimlet/store"
)

// When a file outgrows its memory map and the system refuses a larger one, bbolt has
// given up the old one already, and fails from then on whatever it is asked. It is
// not closed then: with its file the lock would go.

// current returns the database of the moment.
func (s *Store) current() *bbolt.DB {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.db
}

// mapped returns the database of the moment, once it has a memory map.
func (s *Store) mapped() (*bbolt.DB, error) {
	db := s.current()
	tx, err := s.beginReading(db)
	switch {
	case err == nil:
		s.endReading(tx)
	case errors.Is(err, bberrors.ErrInvalidMapping):
		err = s.remap(db)
		db = s.current()
	}
	return db, err
}

// remap opens the file of a database that has lost its memory map once more, with
// the same handle. No transaction can be under way in that database.
func (s *Store) remap(lost *bbolt.DB) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.db != lost {
		return nil // somebody else was faster
	}
	if err := s.failure.get(); err != nil {
		return err // the file may have another owner by now
	}
	if s.file == nil || !remaps {
		return bberrors.ErrInvalidMapping // it is the program's
	}
	if err := s.stillWhole(); err != nil {
		return err
	}
	o := boltOptions(s.file, s.options.lockTimeout)
	// If it failed, bbolt would close the file and unlock it.
	if err := canMap(s.file, o.InitialMmapSize); err != nil {
		return fmt.Errorf("map the file into memory: %w", err)
	}
	if !locksTwice {
		_ = unlock(s.file) // if it is not unlocked, bbolt says so
	}
	err, _ := protect(func() (err error) {
		s.db, err = bbolt.Open(s.real, fileMode, o)
		return err
	})
	if err != nil {
		s.db = lost
		return s.failure.set(fmt.Errorf("bolt: map %s into memory: %w; open it again", s.path, known(err)))
	}
	return nil
}

// stillWhole fails if bbolt would not find its database in the file. Of an empty one it
// would make a new one.
func (s *Store) stillWhole() error {
	err := whole(s.file)
	var unread *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		return s.closed()
	case errors.As(err, &unread):
		return fmt.Errorf("read the file: %w", err)
	}
	return s.failure.set(s.corrupt(store.ID{}, err))
}
