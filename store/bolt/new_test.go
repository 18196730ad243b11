package bolt_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestNew(t *testing.T) {
	t.Run("several stores in one database", func(t *testing.T) {
		s, db := share(t, nil)
		other, err := bolt.New(db, bolt.WithPrefix("other"))
		require.NoError(t, err)
		r := newRecord("alice", "mine")
		save(t, s, r)
		lacks(t, other, r.ID)
		save(t, other, newRecord("alice", "yours"))
		require.Len(t, list(t, s, "alice"), 1)
		require.NoError(t, other.Close())
		require.Empty(t, bolt.Check(db, "other"))
	})
	t.Run("keeps the program's buckets", func(t *testing.T) {
		s, db := share(t, nil)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("program"))
			require.NoError(t, err)
			return b.Put([]byte("k"), []byte("v"))
		}))
		save(t, s, newRecord("", ""))
		require.NoError(t, db.View(func(tx *bbolt.Tx) error {
			require.Equal(t, "v", string(tx.Bucket([]byte("program")).Get([]byte("k"))))
			return nil
		}))
	})
	t.Run("database closed by the program", func(t *testing.T) {
		s, db := share(t, nil)
		require.NoError(t, db.Close())
		_, err := s.Load(t.Context(), store.NewID(time.Now()))
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, s.Save(t.Context(), newRecord("", "")), store.ErrClosed)
	})
	t.Run("refuses", func(t *testing.T) {
		_, err := bolt.New(nil)
		require.ErrorContains(t, err, "open for writing")
		s, db := share(t, nil)
		_, err = bolt.New(db, bolt.WithPrefix(""))
		require.ErrorContains(t, err, "WithPrefix")
		require.NoError(t, s.Close())
		path := db.Path()
		require.NoError(t, db.Close())
		_, err = bolt.New(db)
		require.ErrorContains(t, err, "not open")
		readOnly, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
		require.NoError(t, err)
		defer readOnly.Close()
		_, err = bolt.New(readOnly)
		require.ErrorContains(t, err, "open for writing")
	})
}

func TestOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	for text, opt := range map[string]bolt.Option{
		"WithLockTimeout(0s)":    bolt.WithLockTimeout(0),
		"WithLockTimeout(-1s)":   bolt.WithLockTimeout(-time.Second),
		"WithTouchInterval(0s)":  bolt.WithTouchInterval(0),
		"WithPrefix: must not b": bolt.WithPrefix(""),
	} {
		s := bolt.Open(path, opt)
		require.ErrorContains(t, s.Err(), text)
		_, err := os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}
