package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// Backup writes a copy of the whole database to w, as it is at one moment,
// while the store is in use, and returns how many bytes it wrote. The copy is
// a file that [Open] opens. Touches that are pending are part of it. A shared
// database is copied with all that the program keeps in it.
//
// The copy is first made beside the file, so that a slow w holds up nobody:
// as long as bbolt has a reader it cannot use again what has become free. So
// the disk must have room for it until Backup returns.
func (s *Store) Backup(w io.Writer) (int64, error) {
	n, err := s.backup(w)
	if err != nil {
		err = s.describe("back up", err)
	}
	return n, err
}

func (s *Store) backup(w io.Writer) (n int64, err error) {
	ctx := context.Background()
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	if err := s.moveEverything(ctx); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(s.dbPath()), filepath.Base(s.path)+".backup-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := s.snapshot(f); err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	if s.journal != nil {
		if err := forgetJournalIn(f.Name(), s.buckets); err != nil {
			return 0, fmt.Errorf("copy: %w", err)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, f)
}

// snapshot writes one state of the database to w. It holds the gate only until
// the transaction has begun: Compact may replace the file meanwhile, for the
// transaction keeps the old one.
func (s *Store) snapshot(w io.Writer) error {
	s.stats.reads.Add(1)
	if _, err := s.mapped(); err != nil {
		return err
	}
	s.gate.RLock()
	tx, err := s.beginReading(s.db)
	s.gate.RUnlock()
	if err != nil {
		return err
	}
	err = s.guard(func() error {
		_, err := tx.WriteTo(w)
		return err
	})
	s.endReading(tx)
	return err
}

// forgetJournalIn makes a copy a database without a journal: that of the store
// goes on, and what it has by now is not the copy's.
func forgetJournalIn(path string, names bucketNames) error {
	o := &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType, NoSync: true, NoStatistics: true}
	db, err := bbolt.Open(path, fileMode, o)
	if err != nil {
		return unreadable(path, err)
	}
	db.AllocSize = 1 // no more room than it needs
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(names.meta).Delete(journalKey) })
	return errors.Join(err, db.Close())
}

// dbPath returns the path of the database: where its neighbours can be put.
func (s *Store) dbPath() string {
	if s.owned {
		return s.real
	}
	return s.path
}
