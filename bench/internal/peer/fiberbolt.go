package peer

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v3"
	"go.etcd.io/bbolt"
)

const fiberIdle = 24 * time.Hour

var fiberBucket = []byte("fiber_storage")

// fiberBolt makes the same database calls as Fiber's bbolt storage: a View with
// one Get and a copy, an Update with one Put or Delete. Like that storage it
// knows no expiry, and ignores empty keys and values.
type fiberBolt struct{ db *bbolt.DB }

var _ fiber.Storage = (*fiberBolt)(nil)

func openFiberBolt(path string) (*fiberBolt, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 60 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("peer: open %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(fiberBucket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("peer: open %s: %w", path, err)
	}
	return &fiberBolt{db}, nil
}

// Get implements [fiber.Storage].
func (s *fiberBolt) Get(key string) (data []byte, err error) {
	if key == "" {
		return nil, nil
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		data = bytes.Clone(tx.Bucket(fiberBucket).Get([]byte(key)))
		return nil
	})
	return data, err
}

// Set implements [fiber.Storage].
func (s *fiberBolt) Set(key string, data []byte, _ time.Duration) error {
	if key == "" || len(data) == 0 {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(fiberBucket).Put([]byte(key), data)
	})
}

// Delete implements [fiber.Storage].
func (s *fiberBolt) Delete(key string) error {
	if key == "" {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(fiberBucket).Delete([]byte(key))
	})
}

// Reset implements [fiber.Storage].
func (s *fiberBolt) Reset() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(fiberBucket); err != nil {
			return err
		}
		_, err := tx.CreateBucket(fiberBucket)
		return err
	})
}

// Close implements [fiber.Storage].
func (s *fiberBolt) Close() error { return s.db.Close() }

// GetWithContext implements [fiber.Storage].
func (s *fiberBolt) GetWithContext(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.Get(key)
}

// SetWithContext implements [fiber.Storage].
func (s *fiberBolt) SetWithContext(ctx context.Context, key string, data []byte, expires time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Set(key, data, expires)
}

// DeleteWithContext implements [fiber.Storage].
func (s *fiberBolt) DeleteWithContext(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Delete(key)
}

// ResetWithContext implements [fiber.Storage].
func (s *fiberBolt) ResetWithContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Reset()
}
