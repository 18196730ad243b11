package bolt

import (
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// boltOptions are how a store opens its database, with the handle f.
func boltOptions(f *os.File, timeout time.Duration) *bbolt.Options {
	o := &bbolt.Options{
		Timeout:      timeout,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		NoSync:       !syncsChanges,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	}
	if runtime.GOOS != "windows" && mapsAhead {
		// Address space only. Growing the map later would stop all readers,
		// and wait for the slowest. Windows would make the file as large.
		// With 32 bits there is little address space to reserve.
		o.InitialMmapSize = 1 << 25
		if bits.UintSize == 64 {
			o.InitialMmapSize = 1 << 30
		}
	}
	return o
}

// growth is by how much bbolt lengthens a file of the given size when it is
// full: by a quarter, so that small files stay small and large ones rarely
// wait for the disk to note their new length.
func growth(size int64) int {
	return int(min(max(size/4, 256<<10), 16<<20))
}

// create makes a complete and synced database with the buckets of a store
// under a temporary name, and then brings it to path with place, os.Rename or
// os.Link.
func create(path string, names bucketNames, place func(from, to string) error) error {
	temp := path + tempSuffix
	_ = os.Remove(temp) // left by a crash, or not there
	err := build(temp, names)
	if err == nil {
		err = place(temp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	_ = os.Remove(temp) // renamed, linked or useless
	return err
}

func build(path string, names bucketNames) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	err, _ = protect(func() error {
		db, err := bbolt.Open(path, fileMode, boltOptions(f, time.Second))
		if err != nil {
			return err
		}
		db.AllocSize = growth(0)
		err = db.Update(func(tx *bbolt.Tx) error { return createBuckets(tx, names) })
		return errors.Join(err, db.Close())
	})
	_ = f.Close() // if bbolt has not
	return err
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" || !syncsNames {
		return nil // Windows has no such operation
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some file systems order their names themselves
	}
	return errors.Join(err, d.Close())
}
