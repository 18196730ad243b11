package bolt_test

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// BenchmarkVerify verifies a file of 100,000 records of 400 bytes, which the system has
// in memory.
func BenchmarkVerify(b *testing.B) {
	path := emptyFile(b, bbolt.Options{})
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	require.NoError(b, err)
	for from := 0; from < 100_000; from += 10_000 {
		require.NoError(b, db.Update(func(tx *bbolt.Tx) error {
			records, err := tx.CreateBucketIfNotExists([]byte("records"))
			for i := from; i < from+10_000 && err == nil; i++ {
				err = records.Put(binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i)), make([]byte, 400))
			}
			return err
		}))
	}
	require.NoError(b, db.Close())
	f, err := os.Open(path)
	require.NoError(b, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(b, err)
	b.SetBytes(info.Size())
	for b.Loop() {
		require.NoError(b, bolt.VerifyFile(f, info.Size()))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(info.Size()/int64(os.Getpagesize())), "ns/page")
}
