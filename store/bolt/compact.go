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
// one. Until it has, the disk must hold both. Reads and changes go on meanwhile:
// a change waits for one step of the copy at most, of some 4 MiB. A crash
// leaves the old file or the new one, whole.
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
	return s.alone(ctx, func() error {
		if err := s.compact(exchange, func() error { return s.ready(ctx) }); err != nil {
			return s.describe("compact", err)
		}
		s.stats.compactions.Add(1)
		return nil
	})
}

// alone has job done where the database is written, when no copy is being made.
func (s *Store) alone(ctx context.Context, job func() error) error {
	for {
		var other *follower
		err := s.submitTo(ctx, s.work, &request{job: func() error {
			if other = s.follower; other != nil {
				return nil
			}
			return job()
		}})
		if err != nil || other == nil {
			return err
		}
		select {
		case <-other.ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return s.closed()
		case <-s.failure.happened:
			return s.failure.get()
		}
	}
}

// compact runs where the database is written. It gives up as soon as goOn, which is
// asked between the steps, returns an error.
func (s *Store) compact(exchange func(*opening) error, goOn func() error) error {
	if err := s.atItsPath(); err != nil {
		return err
	}
	next := &opening{path: s.path, real: s.real + tempSuffix, options: s.options, names: s.buckets}
	err := s.begin(next)
	if err == nil {
		err = s.follow(next, &follower{store: s, file: next.file, goOn: goOn}, (*follower).make)
	}
	if err == nil {
		next.db.NoSync = !syncsChanges
		err = exchange(next)
	}
	if err != nil {
		s.discard(next)
		return err
	}
	return s.syncExchange()
}

// discard gives up a copy that was not put in place. What has its name by now may be
// the copy of another owner, if the store has failed.
func (s *Store) discard(next *opening) {
	info, err := os.Lstat(next.real)
	own := err == nil && next.info != nil && os.SameFile(info, next.info)
	_ = s.closeCopy(next)
	if own {
		_ = os.Remove(next.real)
	}
}

// closeCopy closes what begin has opened.
func (s *Store) closeCopy(next *opening) error {
	var err error
	if next.db != nil && s.failure.get() == nil {
		err, _ = protect(next.db.Close)
	}
	if next.file != nil {
		_ = release(next.file) // if bbolt could not
	}
	return err
}

// begin makes next an empty database. It holds the lock on its file, so that nobody
// else takes that after a rename. Nothing is synced by itself until all is there.
func (s *Store) begin(next *opening) error {
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
	o.NoSync = true
	return s.guard(func() (err error) {
		next.db, err = bbolt.Open(next.real, fileMode, o)
		return err
	})
}

// follow has f told of all that changes while it makes next a copy of the database.
func (s *Store) follow(next *opening, f *follower, fn func(*follower) error) error {
	f.dst, f.missed, f.ended = next.db, make(map[changed]struct{}), make(chan struct{})
	s.follower = f
	defer func() {
		s.follower = nil
		close(f.ended)
	}()
	return fn(f)
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
	if err := s.guard(next.db.Close); err != nil {
		return err
	}
	held.forget(next.file)
	s.naming.Lock()
	defer s.naming.Unlock()
	s.gate.Lock()
	defer s.gate.Unlock()
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
