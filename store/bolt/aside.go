package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// exchange puts a new file in the place of the damaged one, which gets a name that
// nothing has yet.
func (o *opening) exchange(temp string) (aside string, err error) {
	if !replacesOpenFiles {
		_ = release(o.file)
	}
	aside, err = freeName(o.real, time.Now())
	if err != nil {
		return "", err
	}
	// With a second name for the file, a crash at any moment leaves one at the path.
	// Where files cannot have two, it may leave none, and both under other names.
	if err = os.Link(o.real, aside); err == nil {
		err = o.exchangeLinked(temp, aside)
	} else {
		err = o.exchangeRenamed(temp, aside)
	}
	return aside, err
}

// exchangeLinked is for a file that has the name aside as well. Its journal keeps the
// name that belongs to it until the new file is there.
func (o *opening) exchangeLinked(temp, aside string) error {
	journal := o.real + journalSuffix
	if err := os.Link(journal, aside+journalSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncDir(filepath.Dir(o.real)); err != nil {
		return err
	}
	if err := os.Rename(temp, o.real); err != nil {
		return err
	}
	_ = os.Remove(journal) // Open removes it, too: the new file says that it has none
	return syncDir(filepath.Dir(o.real))
}

func (o *opening) exchangeRenamed(temp, aside string) error {
	journal := o.real + journalSuffix
	if err := os.Rename(o.real, aside); err != nil {
		return err
	}
	if err := os.Rename(journal, aside+journalSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.Rename(aside, o.real))
	}
	if err := os.Rename(temp, o.real); err != nil {
		return err
	}
	return syncDir(filepath.Dir(o.real))
}

// freeName returns a name for a damaged file and, with the suffix of journals, for its
// journal. Only the holder of the lock gives such names.
func freeName(path string, now time.Time) (string, error) {
	name := path + ".damaged-" + now.UTC().Format("20060102-150405")
	for n := 1; n < 1000; n++ {
		aside := name
		if n > 1 {
			aside = fmt.Sprintf("%s-%d", name, n)
		}
		if !isThere(aside) && !isThere(aside+journalSuffix) {
			return aside, nil
		}
	}
	return "", fmt.Errorf("there are too many files like %s", name)
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
