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
// a file that [Open] opens, without free pages. All that was acknowledged before
// the call is part of it, touches too.
//
// The copy is first made beside the file, so that a slow w holds up nobody: the
// disk must have room for it until Backup returns. It is made in steps, of which a
// change waits for one at most, as in [Store.Compact]; of the two one begins when
// the other is done.
//
// A shared database is copied with all that the program keeps in it. Until that copy
// is made there is a transaction that reads: what becomes free meanwhile is not used
// again.
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
	path, err := s.nameForCopy()
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	if s.owned {
		err = s.alone(ctx, func() error { return s.copyTo(path) })
	} else {
		err = s.snapshot(ctx, path)
	}
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(w, f)
}

// nameForCopy returns the path of a new file beside the database.
func (s *Store) nameForCopy() (string, error) {
	at := s.path
	if s.owned {
		at = s.real
	}
	f, err := os.CreateTemp(filepath.Dir(at), filepath.Base(s.path)+".backup-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// copyTo makes the file at path a copy of the store. It runs where the database is
// written.
func (s *Store) copyTo(path string) (err error) {
	next := &opening{path: s.path, real: path, options: s.options, names: s.buckets}
	defer func() { err = errors.Join(err, s.closeCopy(next)) }()
	if err := s.begin(next); err != nil {
		return err
	}
	goOn := func() error { return s.ready(context.Background()) }
	var rest []move
	err = s.follow(next, &follower{store: s, goOn: goOn}, func(f *follower) error {
		err := f.make()
		// What is not in the database, at one moment: groups are seen whole.
		rest = s.overlay.all()
		return err
	})
	for err == nil && len(rest) > 0 {
		some := rest[:min(len(rest), maxStep)]
		rest = rest[len(some):]
		if err = s.applyTo(next.db, some); err == nil {
			err = goOn()
		}
		s.giveWay()
	}
	if err != nil {
		return err
	}
	// The journal is that of the file.
	return s.guard(func() error {
		return next.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(s.buckets.meta).Delete(journalKey) })
	})
}

// applyTo brings states into a copy.
func (s *Store) applyTo(db *bbolt.DB, list []move) error {
	return s.guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			t := &txn{store: s}
			if err := t.begin(tx); err != nil {
				return err
			}
			return t.apply(list)
		})
	})
}

// snapshot makes the file at path a copy of a shared database.
func (s *Store) snapshot(ctx context.Context, path string) error {
	if err := s.submit(ctx, &request{job: s.flushTouches}); err != nil {
		return err
	}
	s.stats.reads.Add(1)
	return s.reading(s.current(), func(tx *bbolt.Tx) error { return tx.CopyFile(path, fileMode) })
}
