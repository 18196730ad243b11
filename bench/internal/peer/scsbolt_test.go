package peer

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

// The adapter keeps what scs's own store keeps: tokens until their expiry,
// which the clean-up of every minute removes from the file.
func TestSCSBolt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scs.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := openSCSBolt(path)
		require.NoError(t, err)
		now := time.Now()
		require.NoError(t, s.Commit("short", []byte("1"), now.Add(time.Second)))
		require.NoError(t, s.Commit("long", []byte("2"), now.Add(time.Hour)))
		require.NoError(t, s.Commit("deleted", []byte("3"), now.Add(time.Hour)))
		require.NoError(t, s.Delete("deleted"))
		finds := func(token, want string) {
			t.Helper()
			b, found, err := s.Find(token)
			require.NoError(t, err)
			require.Equal(t, want != "", found)
			require.Equal(t, want, string(b))
		}
		finds("short", "1")
		finds("deleted", "")
		time.Sleep(2 * time.Second)
		finds("short", "")
		require.Equal(t, 2, keys(t, s.db), "expired, and still there")
		time.Sleep(time.Minute)
		require.Equal(t, 1, keys(t, s.db))
		require.NoError(t, s.close())

		s, err = openSCSBolt(path)
		require.NoError(t, err)
		finds("long", "2")
		require.NoError(t, s.close())
	})
}

func keys(t *testing.T, db *bbolt.DB) (n int) {
	t.Helper()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket(scsBucket).Stats().KeyN
		return nil
	}))
	return n
}
