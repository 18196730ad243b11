package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

var scsBucket = []byte("scs:session")

// scsBolt makes the same database calls as the boltstore of scs: a View with
// one Get to find, an Update with one Put to commit, an Update with one Delete,
// a clean-up every minute that reads the whole bucket and deletes what has
// expired in one Update. It differs in one thing: what it returns is a copy,
// since the bytes of a transaction may not be used after it.
type scsBolt struct {
	db   *bbolt.DB
	stop chan struct{}
	done sync.WaitGroup
}

func openSCSBolt(path string) (*scsBolt, error) {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return nil, fmt.Errorf("peer: open %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(scsBucket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("peer: open %s: %w", path, err)
	}
	s := &scsBolt{db: db, stop: make(chan struct{})}
	s.done.Go(s.cleanUp)
	return s, nil
}

func (s *scsBolt) close() error {
	close(s.stop)
	s.done.Wait()
	return s.db.Close()
}

// Find implements [scs.Store].
func (s *scsBolt) Find(token string) (data []byte, found bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(scsBucket).Get([]byte(token))
		if v != nil && !scsExpired(v) {
			data, found = bytes.Clone(v[8:]), true
		}
		return nil
	})
	return data, found, err
}

// Commit implements [scs.Store].
func (s *scsBolt) Commit(token string, data []byte, expiry time.Time) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		v := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(data)), uint64(expiry.UnixNano()))
		return tx.Bucket(scsBucket).Put([]byte(token), append(v, data...))
	})
}

// Delete implements [scs.Store].
func (s *scsBolt) Delete(token string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(scsBucket).Delete([]byte(token))
	})
}

func (s *scsBolt) cleanUp() {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			// The next minute tries again.
			_ = s.deleteExpired()
		case <-s.stop:
			return
		}
	}
}

func (s *scsBolt) deleteExpired() error {
	var expired [][]byte
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(scsBucket).ForEach(func(token, v []byte) error {
			if scsExpired(v) {
				expired = append(expired, bytes.Clone(token))
			}
			return nil
		})
	})
	if err != nil || len(expired) == 0 {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, token := range expired {
			if err := tx.Bucket(scsBucket).Delete(token); err != nil {
				return err
			}
		}
		return nil
	})
}

func scsExpired(v []byte) bool {
	return uint64(time.Now().UnixNano()) > binary.BigEndian.Uint64(v[:8])
}
