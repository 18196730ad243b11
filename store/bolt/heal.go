package bolt

import "errors"

// heal writes the newest meta page once more after a commit that failed. When
// the sync of a meta page fails, bbolt and the page cache go on with it, but the
// disk may not have it: the next commit would overwrite pages that the meta
// page on the disk still uses, and a loss of power in its middle would leave
// nothing whole. Until heal succeeds nothing is committed.
func (s *Store) heal() error {
	if !s.unsure || !heals {
		return nil
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
		if isUndecided(err) {
			return err
		}
		return &uncertain{err}
	}
	s.unsure = true
	m, e := newestMeta(s.file)
	switch {
	case e != nil && !isUndecided(err):
		return &uncertain{errors.Join(err, e)}
	case e != nil, m.txid < txid:
		return err
	}
	if e := s.heal(); e != nil {
		return &uncertain{errors.Join(err, e)}
	}
	return nil
}
