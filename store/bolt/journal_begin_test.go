package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// A journal of which the database could not take note is worth nothing after a
// crash: while that is so, no save is acknowledged on its account.
func TestJournal_cannotBegin(t *testing.T) {
	path := filepath.Join(memoryDir(t), "sessions.db")
	s := bolt.Open(path)
	require.NoError(t, s.Err())
	require.NoError(t, s.CloseFile()) // every transaction that writes fails
	for range 3 {
		require.ErrorContains(t, s.Save(t.Context(), newRecord("alice", "")), "file already closed")
	}
	require.Error(t, s.Close())
	require.Empty(t, list(t, reopen(t, path), ""))
}
