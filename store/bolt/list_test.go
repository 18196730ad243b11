package bolt_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestList(t *testing.T) {
	t.Run("over many chunks", func(t *testing.T) {
		s := open(t)
		records := make([]store.Record, 3*bolt.ListChunk)
		for i := range records {
			records[i] = newRecord(fmt.Sprint("owner", i%2), strings.Repeat("x", i*2)) // beyond listBytes as well
		}
		save(t, s, records...)
		require.Len(t, list(t, s, ""), len(records))
		require.Len(t, list(t, s, "owner0"), len(records)/2)
		require.Empty(t, list(t, s, "owner"))
	})
	t.Run("keeps owners apart", func(t *testing.T) {
		s := open(t)
		owners := []string{"a", "aa", "a\x00", "a\x00\x01", "\x00", "\x00\x01a", "\xff", strings.Repeat("a", store.MaxOwner), "b"}
		for _, owner := range owners {
			save(t, s, newRecord(owner, owner))
		}
		for _, owner := range owners {
			require.Len(t, list(t, s, owner), 1, "%q", owner)
		}
		require.Len(t, list(t, s, ""), len(owners))
	})
	t.Run("sees pending touches", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, bolt.WithTouchInterval(24*time.Hour))
			longer, shorter := newRecord("alice", ""), newRecord("alice", "")
			save(t, s, longer, shorter)
			require.NoError(t, s.Touch(t.Context(), longer.ID, time.Now().Add(3*time.Hour)))
			require.NoError(t, s.Touch(t.Context(), shorter.ID, time.Now().Add(time.Minute)))
			time.Sleep(2 * time.Hour)
			require.Equal(t, map[store.ID]error{longer.ID: nil}, list(t, s, "alice"))
			require.Equal(t, map[store.ID]error{longer.ID: nil}, list(t, s, ""))
		})
	})
}

func TestList_loop(t *testing.T) {
	t.Run("when the loop changes what comes", func(t *testing.T) {
		s := open(t)
		moved, touched, deleted := newRecord("alice", ""), newRecord("alice", ""), newRecord("alice", "")
		first := newRecord("alice", "")
		first.ID[0] = 0 // before the others
		save(t, s, first, moved, touched, deleted)
		require.NoError(t, s.Touch(t.Context(), touched.ID, touched.Expires.Add(time.Hour)))
		seen := 0
		for r, err := range s.List(t.Context(), "alice") {
			require.NoError(t, err)
			if seen++; r.ID == first.ID {
				touched.Version, touched.Data = 2, []byte("saved")
				moved.Version, moved.Owner = 2, "bob"
				save(t, s, touched, moved)
				require.NoError(t, s.Delete(t.Context(), deleted.ID))
			}
		}
		require.LessOrEqual(t, seen, 4)
		require.Len(t, list(t, s, "alice"), 2)
	})
	t.Run("ends with its context", func(t *testing.T) {
		s := open(t)
		save(t, s, newRecord("", ""), newRecord("", ""))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var errs []error
		for _, err := range s.List(ctx, "") {
			errs = append(errs, err)
			cancel()
		}
		require.Equal(t, []error{nil, context.Canceled}, errs)
	})
	t.Run("can be left", func(t *testing.T) {
		s := open(t)
		save(t, s, newRecord("", ""), newRecord("", ""))
		for range s.List(t.Context(), "") {
			break
		}
	})
}

func TestList_damage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := bolt.Open(path)
	good, broken, gone, other := newRecord("alice", "good"), newRecord("alice", "broken"), newRecord("alice", ""), newRecord("bob", "")
	save(t, s, good, broken, gone, other)
	require.NoError(t, s.Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		flip(t, tx.Bucket(recordsBucket), broken.ID[:])
		owners := tx.Bucket(ownersBucket)
		require.NoError(t, owners.Put([]byte("\x00\x05alice"+string(other.ID[:])), nil)) // bob's
		require.NoError(t, owners.Put([]byte("\x00\x05alice?"), nil))
		require.NoError(t, tx.Bucket(recordsBucket).Delete(gone.ID[:]))
		return tx.Bucket(expiryBucket).Delete([]byte(expiryEntry(gone.Expires, gone.ID)))
	})
	s = bolt.Open(path)
	require.NoError(t, s.Err())
	for _, owner := range []string{"alice", "alice", "bob", ""} {
		listed := list(t, s, owner)
		if owner != "bob" {
			require.ErrorIs(t, listed[broken.ID], store.ErrCorrupt)
			require.Contains(t, listed, good.ID)
			require.NoError(t, listed[good.ID])
			delete(listed, good.ID)
			delete(listed, broken.ID)
		}
		if owner != "alice" {
			require.Contains(t, listed, other.ID)
			delete(listed, other.ID)
		}
		require.Empty(t, listed)
	}
	require.NoError(t, s.Delete(t.Context(), broken.ID))
	require.Len(t, list(t, s, ""), 2)
	require.NoError(t, s.Close())
	raw(t, path, func(tx *bbolt.Tx) error {
		// List has had the entries removed that led nowhere; this one it cannot know.
		return tx.Bucket(ownersBucket).Delete([]byte("\x00\x05alice?"))
	})
	verify(t, path)
}
