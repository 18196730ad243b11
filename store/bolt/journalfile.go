package bolt

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A journal is locked as long as it is in use. The lock of the database does not do
// for both: the database may have been moved away, and another one begun in its
// place, while the journal stayed.

// openJournal opens and locks the journal that somebody has left, and returns nil if
// there is none.
func openJournal(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !replacesOpenFiles || !locksJournals {
		return f, nil // nobody can have moved the database
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = fmt.Errorf("%w: the file that was at its place was moved or removed, and is still open", ErrLocked)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the journal %s: %w", path, err)
	}
	return f, nil
}

// create puts a new journal, which is empty and synced, in the place of
// whatever is there.
func (j *journal) create() error {
	old, err := openJournal(j.path)
	if err != nil {
		return err
	}
	if old != nil {
		_ = old.Close() // nobody's
	}
	temp := j.path + tempSuffix
	_ = os.Remove(temp) // left by a crash, or not there
	_, _ = rand.Read(j.id[:])
	f, err := j.make(temp)
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err != nil {
		_ = os.Remove(temp)
		if f != nil {
			_ = f.Close()
		}
		return err
	}
	if j.info, err = f.Stat(); err != nil {
		_ = f.Close()
		return err
	}
	j.file = f
	j.lock.Store(f)
	// Positions go on, so that those of one store can be compared.
	begin := (j.head.Load() + j.size - 1) / j.size * j.size
	j.head.Store(begin)
	j.tail.Store(begin)
	j.laid, j.lost = 0, false
	return nil
}

// make makes the file under another name and then gives it its own. It is locked
// before anybody finds it.
func (j *journal) make(temp string) (*os.File, error) {
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(encodeHeader(j.id, j.size))
	if err == nil {
		err = f.Sync()
	}
	if replacesOpenFiles {
		if err == nil {
			_, err = tryLock(f)
		}
		if err == nil {
			err = os.Rename(temp, j.path)
		}
		return f, err
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, j.path)
	}
	if err != nil {
		return nil, err
	}
	return os.OpenFile(j.path, os.O_RDWR, 0)
}

// remove gives up the file, which is worth nothing any more.
func (j *journal) remove() error {
	if j.file == nil {
		return nil
	}
	own := isAt(j.path, j.info)
	err := j.close()
	if own {
		err = errors.Join(err, os.Remove(j.path))
	}
	return err
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.lost = nil, false
	j.lock.Store(nil)
	return err
}
