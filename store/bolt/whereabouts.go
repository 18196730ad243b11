package bolt

import (
	"errors"
	"io/fs"
	"os"
)

// Whereabouts are what has become of the name of the file while it is open. A journal
// belongs to a name: whoever opens the file under another one does not find it. And a
// file without a name is nobody's any more once it is closed: what is saved in it is
// lost for sure, so nothing is.
type whereabouts int

const (
	inPlace whereabouts = iota
	moved               // the path leads elsewhere, the file has another name
	removed             // it has none
)

var (
	errMoved   = errors.New("the file was moved or removed while it is open, and what is in its place is not this store's")
	errRemoved = errors.New("the file was removed while it is open, and all that is in it will be gone: stop the program, and restore a backup")
)

// whereabouts finds out what can be. A database that is shared is left to the program.
func (s *Store) whereabouts() whereabouts {
	if !s.owned || !replacesOpenFiles || !looksForFile {
		return inPlace
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	if !leadsElsewhere(s.real, s.info) {
		return inPlace
	}
	if own, err := s.file.Stat(); err == nil && isNameless(own) {
		return removed
	}
	return moved
}

// atItsPath fails unless the path still leads to the file.
func (s *Store) atItsPath() error {
	own, err := s.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(s.real)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(there, own) {
		return errMoved
	}
	return err
}

func isAt(path string, own os.FileInfo) bool {
	there, err := os.Stat(path)
	return err == nil && os.SameFile(there, own)
}
