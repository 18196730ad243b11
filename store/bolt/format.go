package bolt

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
)

// formatVersion is the version of everything in the file: the buckets, their
// keys and the layout of the records.
const formatVersion = 1

// bucketNames are the top-level buckets of one store.
type bucketNames struct {
	records []byte // ID → record
	expiry  []byte // time and ID → nothing
	owners  []byte // owner and ID → nothing
	meta    []byte // "format" → the version, 8 bytes, big endian
}

const (
	metaSuffix = ".meta"
	formatSize = 8 // of the version
)

var (
	formatKey   = []byte("format")
	errNoBucket = errors.New("a bucket is missing")
)

func namesFor(prefix string) bucketNames {
	return bucketNames{
		records: []byte(prefix + ".records"),
		expiry:  []byte(prefix + ".expiry"),
		owners:  []byte(prefix + ".owners"),
		meta:    []byte(prefix + metaSuffix),
	}
}

func (n bucketNames) all() [][]byte {
	return [][]byte{n.records, n.expiry, n.owners, n.meta}
}

// prepare makes sure that db holds a store of this format: it makes the
// buckets where there are none, and checks the version where there are.
func prepare(db *bbolt.DB, path string, names bucketNames) error {
	var found int
	var version []byte
	err := db.View(func(tx *bbolt.Tx) error {
		for _, name := range names.all() {
			if tx.Bucket(name) != nil {
				found++
			}
		}
		if meta := tx.Bucket(names.meta); meta != nil {
			version = append(version, meta.Get(formatKey)...)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case found == 0:
		return db.Update(func(tx *bbolt.Tx) error { return createBuckets(tx, names) })
	case len(version) != formatSize:
		return &CorruptError{Path: path, Err: errors.New("the version of the format is missing")}
	}
	if v := binary.BigEndian.Uint64(version); v > formatVersion {
		return &VersionError{Found: v, Supported: formatVersion}
	}
	if found < len(names.all()) {
		return &CorruptError{Path: path, Err: errNoBucket}
	}
	return nil
}

func createBuckets(tx *bbolt.Tx, names bucketNames) error {
	for _, name := range names.all() {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	version := binary.BigEndian.AppendUint64(nil, formatVersion)
	return tx.Bucket(names.meta).Put(formatKey, version)
}
