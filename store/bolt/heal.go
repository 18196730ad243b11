package bolt

import (
	"errors"
	"os"
	"strings"
	"syscall"

	bberrors "go.etcd.io/bbolt/errors"
)

// heal writes the newest meta page once more after a commit that failed. When
// the sync of a meta page fails, bbolt and the page cache go on with it, but the
// disk may not have it: the next commit would overwrite pages that the meta
// page on the disk still uses, and a loss of power in its middle would leave
// nothing whole. Until heal succeeds nothing is committed.
func (s *Store) heal() error {
	if !s.unsure || !heals {
		return nil
	}
	if _, err := s.file.ReadAt(make([]byte, 1), 0); err != nil {
		return err // newestMeta would call it damage
	}
	m, err := newestMeta(s.file)
	if err != nil {
		return err
	}
	page := make([]byte, metaOffset+metaSize)
	at := int64(m.txid%2) * int64(m.pageSize)
	if _, err := s.file.ReadAt(page, at); err != nil {
		return err
	}
	if _, err := s.file.WriteAt(page, at); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.unsure = false
	return nil
}

// doubt finds out what became of a transaction whose commit has failed with err.
// It returns nil when the transaction is in the file after all and, its newest
// meta page written once more, durable: what came before that page was.
func (s *Store) doubt(txid uint64, err error) error {
	if s.file == nil {
		if noRoom(err) {
			return err
		}
		return &uncertain{err}
	}
	s.unsure = true
	m, e := newestMeta(s.file)
	switch {
	case e != nil:
		return &uncertain{errors.Join(err, e)}
	case m.txid < txid:
		return err
	}
	if e := s.heal(); e != nil {
		return &uncertain{errors.Join(err, e)}
	}
	return nil
}

// noRoom reports whether a commit failed for want of room before its meta page
// was written, so that a smaller one may succeed. A write says so with its
// path; a sync does not, and then the outcome is not known. Of a file that
// could not grow bbolt keeps only the text.
func noRoom(err error) bool {
	var write *os.PathError
	return errors.Is(err, bberrors.ErrMaxSizeReached) || strings.HasPrefix(err.Error(), "file resize error") ||
		errors.As(err, &write) && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG))
}
