package bolt

import (
	"bytes"
	"fmt"
	"io"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// What the tests of opening a file, and of what is in it, need.

// Verify verifies the structure of a file.
func Verify(b []byte) error { return verify(bytes.NewReader(b), int64(len(b))) }

// VerifyFile does so with one that is not in memory.
func VerifyFile(r io.ReaderAt, size int64) error { return verify(r, size) }

// Unverified makes Open trust the structure of the file, as bbolt does.
func Unverified() Option {
	return func(o *options) error {
		o.unverified = true
		return nil
	}
}

// OnFilesystem makes Open believe that paths are on a file system of another machine.
func OnFilesystem(name func(path string) string) Option {
	return func(o *options) error {
		o.filesystem = name
		return nil
	}
}

// Forget makes this process forget that it has the file, as if it were another one.
func (s *Store) Forget() { held.forget(s.file) }

// Check reports every way in which the records and the two indexes of a store
// disagree, and what bbolt finds wrong with the file.
func Check(db *bbolt.DB, prefix string) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			report("bbolt: %v", err)
		}
		names := namesFor(prefix)
		records, expiry, owners := tx.Bucket(names.records), tx.Bucket(names.expiry), tx.Bucket(names.owners)
		indexed, owned := 0, 0
		err := records.ForEach(func(k, v []byte) error {
			id := store.ID(k)
			r, err := decodeRecord(id, v)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if r.indexed != 0 {
				indexed++
				if expiry.Get(expiryKey(r.indexed, id)) == nil {
					report("%s is not in the expiry index", id)
				}
			}
			if len(r.owner) > 0 {
				owned++
				if owners.Get(ownerKey(r.owner, id)) == nil {
					report("%s is not in the owner index", id)
				}
			}
			return nil
		})
		if n := count(expiry); n != indexed {
			report("%d entries in the expiry index for %d records", n, indexed)
		}
		if n := count(owners); n != owned {
			report("%d entries in the owner index for %d records", n, owned)
		}
		return err
	})
	if err != nil {
		report("%v", err)
	}
	return problems
}

func count(b *bbolt.Bucket) (n int) {
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	return n
}
