// Package floor has what no durable store on one file can be faster than: one
// sync of a small append, and one commit of bbolt.
package floor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
)

// A Floor is one such operation.
type Floor struct {
	Name  string
	About string
	// Open prepares it in a directory of its own.
	Open func(dir string) (*Opened, error)
}

// An Opened floor can be measured. Calls may not overlap.
type Opened struct {
	Do    func() error // does the operation once
	Close func() error
}

const recordBytes = 512

// Datasync appends 512 bytes to a file whose space was written before, and
// makes them durable: what a journal does that shares its sync with nobody.
var Datasync = Floor{
	Name:  "floor: one fdatasync",
	About: "A write of 512 bytes into a file of 32 MiB that was written full before, one after the other, each followed by fdatasync.",
	Open: func(dir string) (*Opened, error) {
		const size = 32 << 20
		f, err := os.Create(filepath.Join(dir, "append"))
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		_, err = f.Write(make([]byte, size))
		if err = errors.Join(err, f.Sync()); err != nil {
			return nil, fmt.Errorf("floor: %w", errors.Join(err, f.Close()))
		}
		record := make([]byte, recordBytes)
		var at int64
		do := func() error {
			binary.BigEndian.PutUint64(record, uint64(at)+1)
			if _, err := f.WriteAt(record, at); err != nil {
				return fmt.Errorf("floor: %w", err)
			}
			at = (at + recordBytes) % size
			return machine.Datasync(f)
		}
		return &Opened{Do: do, Close: f.Close}, nil
	},
}

// Commit replaces one value of 512 bytes among 10,000 in an Update of its own.
var Commit = Floor{
	Name:  "floor: one bbolt commit",
	About: "An Update of bbolt with default options that replaces one value of 512 bytes among 10,000, under random keys of 32 bytes.",
	Open: func(dir string) (*Opened, error) {
		db, err := bbolt.Open(filepath.Join(dir, "floor.db"), 0o600, nil)
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		const n = 10_000
		bucket, value := []byte("floor"), make([]byte, recordBytes)
		random := rand.New(rand.NewPCG(1, 1))
		keys := make([][]byte, n)
		err = db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket(bucket)
			for i := range keys {
				keys[i] = binary.BigEndian.AppendUint64(make([]byte, 0, 32), random.Uint64())[:32]
				err = errors.Join(err, b.Put(keys[i], value))
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("floor: %w", errors.Join(err, db.Close()))
		}
		do := func() error {
			binary.BigEndian.PutUint64(value, random.Uint64())
			return db.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket(bucket).Put(keys[random.IntN(n)], value)
			})
		}
		return &Opened{Do: do, Close: db.Close}, nil
	},
}
