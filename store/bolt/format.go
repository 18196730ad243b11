package bolt

import (
	"bytes"
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
	var stray bool
	err := db.View(func(tx *bbolt.Tx) error {
		for _, name := range names.all() {
			if tx.Bucket(name) != nil {
				found++
			}
		}
		meta := tx.Bucket(names.meta)
		if meta == nil {
			return nil
		}
		version = append(version, meta.Get(formatKey)...)
		return meta.ForEach(func(k, _ []byte) error {
			stray = stray || !bytes.Equal(k, formatKey) && !bytes.Equal(k, journalKey)
			return nil
		})
	})
	switch {
	case err != nil:
		return err
	case found == 0:
		return db.Update(func(tx *bbolt.Tx) error { return createBuckets(tx, names) })
	case len(version) != formatSize:
		return &CorruptError{Path: path, Err: errors.New("the version of the format is missing")}
	}
	switch v := binary.BigEndian.Uint64(version); {
	case v > formatVersion:
		return &VersionError{Found: v, Supported: formatVersion}
	case v == 0:
		return &CorruptError{Path: path, Err: errors.New("it has no version of the format")}
	case stray:
		// It may be the key of a mark, and then the journal must not be forgotten.
		return &CorruptError{Path: path, Err: errors.New("it says of itself what no store does")}
	case found < len(names.all()):
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
