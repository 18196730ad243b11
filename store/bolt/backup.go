package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	if err := s.submit(ctx, &request{job: s.flushTouches}); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(s.dbPath()), filepath.Base(s.path)+".backup-*")
	if err != nil {
		return 0, err
	}
	// At once, where the system lets go of the name of an open file: then not
	// even a crash leaves the copy behind. Else it goes at the end.
	if os.Remove(f.Name()) != nil {
		defer os.Remove(f.Name())
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := s.snapshot(f); err != nil {
		return 0, fmt.Errorf("copy: %w", err)
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
	var tx *bbolt.Tx
	s.gate.RLock()
	s.stats.reads.Add(1)
	err := s.guard(func() (err error) {
		tx, err = s.db.Begin(false)
		return err
	})
	s.gate.RUnlock()
	if err != nil {
		return err
	}
	return s.guard(func() error {
		_, err := tx.WriteTo(w)
		return errors.Join(err, tx.Rollback())
	})
}

// dbPath returns the path of the database: where its neighbours can be put.
func (s *Store) dbPath() string {
	if s.owned {
		return s.real
	}
	return s.path
}
