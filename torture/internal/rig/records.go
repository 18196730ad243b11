package rig

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// FarAway is beyond the time at which anybody looks.
var FarAway = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Content returns what a version of a record has as its data: bytes that no other
// has.
func Content(id store.ID, version uint64, size int) []byte {
	seed := binary.BigEndian.Uint64(id[8:])
	rng := rand.New(rand.NewPCG(seed, version))
	b := make([]byte, 0, size+8)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	for n := size/2 + rng.IntN(size/2+1); len(b) < n; {
		b = binary.BigEndian.AppendUint64(b, rng.Uint64())
	}
	return b
}

// Check asks bbolt whether the structure of a file is sound.
func Check(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		var problems []error
		for err := range tx.Check() {
			problems = append(problems, err)
		}
		return errors.Join(problems...)
	})
	return errors.Join(err, db.Close())
}

// Fill makes a store with records of RecordSize bytes, and returns them.
func Fill(t *testing.T, path string, n int) []store.Record {
	t.Helper()
	s := bolt.Open(path, bolt.WithAutoCompact(false))
	records := make([]store.Record, n)
	Each(n, func(i int) error {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: FarAway}
		records[i] = r
		r.Data = Content(r.ID, 1, RecordSize)
		return s.Save(context.Background(), r)
	}, func(err error) { t.Error(err) })
	require.NoError(t, s.Close())
	return records
}

// RecordSize is of these.
const RecordSize = 600

// Each does something n times, much of it at the same time.
func Each(n int, do func(i int) error, failed func(error)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 256 {
		workers.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := do(i - 1); err != nil {
					failed(err)
					return
				}
			}
		})
	}
	workers.Wait()
}

// SizeOf returns how many bytes a file has.
func SizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}
