package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Compact gives the pages of the file that are free back to the disk: it
// writes what is alive into a new file and puts that in the place of the old
// one. Until it has, the disk must hold both. Changes go on in the journal until
// it is full, or one is too large for it; without a journal they wait. Reads
// wait only for the moment of the exchange. A crash leaves the old file or the new one, whole.
//
// When ctx ends, or the store is closed, before the exchange, Compact gives up
// and leaves the old file. A database that was handed to [New] cannot be
// compacted: it is owned by the program.
//
// A store with a journal does it by itself, see [WithAutoCompact].
func (s *Store) Compact(ctx context.Context) error {
	return s.compactWith(ctx, s.exchange)
}

// exchange puts a copy in the place of the file.
func (s *Store) exchange(next *opening) error {
	if !replacesOpenFiles {
		return s.exchangeClosed(next)
	}
	return s.exchangeOpen(next)
}

func (s *Store) compactWith(ctx context.Context, exchange func(*opening) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if !s.owned {
		return s.describe("compact", errors.New("the database is owned by the program"))
	}
	return s.submitTo(ctx, s.work, &request{job: func() error {
		if err := s.compact(exchange, func() error { return s.ready(ctx) }); err != nil {
			return s.describe("compact", err)
		}
		s.stats.compactions.Add(1)
		return nil
	}})
}

// compact runs where the database is written, so nothing changes under it. It
// gives up as soon as goOn returns an error.
func (s *Store) compact(exchange func(*opening) error, goOn func() error) error {
	if err := s.atItsPath(); err != nil {
		return err
	}
	next := &opening{path: s.path, real: s.real + tempSuffix, options: s.options, names: s.buckets}
	err := s.guard(func() error { return s.rewrite(next, goOn) })
	if err == nil {
		err = exchange(next)
	}
	if err != nil {
		s.discard(next)
		return err
	}
	return s.syncExchange()
}

// discard gives up a copy that was not put in place.
func (s *Store) discard(next *opening) {
	if next.db != nil && s.failure.get() == nil {
		_, _ = protect(next.db.Close)
	}
	if next.file != nil {
		_ = release(next.file)
	}
	_ = os.Remove(next.real)
}

// rewrite makes next a synced copy of the database without its free pages. It
// holds the lock on its file, so that nobody else takes that after the rename.
func (s *Store) rewrite(next *opening, goOn func() error) error {
	if err := os.Remove(next.real); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next.real, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	next.file = f
	if next.info, err = f.Stat(); err != nil {
		return err
	}
	held.claim(f, next.info)
	o := boltOptions(f, next.options.lockTimeout)
	o.NoSync = true // until all is there
	if next.db, err = bbolt.Open(next.real, fileMode, o); err != nil {
		return err
	}
	c := copier{dst: next.db, check: goOn, sync: f.Sync}
	if err := s.reading(s.current(), c.copy); err != nil {
		return err
	}
	next.db.NoSync = !syncsChanges
	if err := f.Sync(); err != nil {
		return err
	}
	return goOn()
}

// exchangeOpen puts next in the place of the database. It needs a system that
// can rename an open file over another open file. Reads do not wait for the disk:
// both files have the same in them, and nobody writes meanwhile.
func (s *Store) exchangeOpen(next *opening) error {
	old, err := s.swap(next)
	if err != nil {
		return err
	}
	// It waits for a Backup that still reads the old file.
	s.retired.Go(func() { _, _ = protect(old.Close) })
	s.renamed = true
	return nil
}

func (s *Store) swap(next *opening) (old *bbolt.DB, err error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	if err := os.Rename(next.real, s.real); err != nil {
		return nil, err
	}
	s.gate.Lock()
	defer s.gate.Unlock()
	held.forget(s.file)
	old = s.db
	s.db, s.file, s.info = next.db, next.file, next.info
	return old, nil
}

// exchangeClosed is for systems where open files cannot be renamed.
func (s *Store) exchangeClosed(next *opening) error {
	s.naming.Lock()
	defer s.naming.Unlock()
	s.gate.Lock()
	defer s.gate.Unlock()
	if err := s.guard(next.db.Close); err != nil {
		return err
	}
	held.forget(next.file)
	if err := s.guard(s.db.Close); err != nil {
		return s.failure.set(fmt.Errorf("bolt: compact %s: %w", s.path, err))
	}
	held.forget(s.file)
	renamed := os.Rename(next.real, s.real)
	o := opening{path: s.path, names: s.buckets, options: s.options, trusted: true}
	if err := o.run(); err != nil {
		return s.failure.set(err)
	}
	s.db, s.file, s.info = o.db, o.file, o.info
	s.renamed = renamed == nil
	return renamed
}

// syncExchange makes the rename durable. Until it is, a loss of power may bring back
// the old file. That has, with the journal, all that there is, as long as nothing is
// committed to the new one.
func (s *Store) syncExchange() error {
	if !s.renamed {
		return nil
	}
	if err := syncDir(filepath.Dir(s.real)); err != nil {
		return fmt.Errorf("sync the directory of the compacted file: %w", err)
	}
	s.renamed = false
	return nil
}
