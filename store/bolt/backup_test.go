package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// keepSaving saves new records until stopped, and returns those that were acknowledged.
func keepSaving(t *testing.T, s *bolt.Store) (stop func() []store.Record) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var saved []store.Record
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				r := newRecord("alice", fmt.Sprint(time.Now()))
				if err := s.Save(context.Background(), r); err != nil {
					t.Errorf("save: %v", err)
					return
				}
				mu.Lock()
				saved = append(saved, r)
				mu.Unlock()
			}
		})
	}
	return func() []store.Record {
		cancel()
		writers.Wait()
		return saved
	}
}

func TestBackup(t *testing.T) {
	t.Run("while in use", func(t *testing.T) {
		s := open(t, bolt.WithTouchInterval(time.Hour))
		touched := newRecord("bob", "touched")
		save(t, s, touched)
		touched.Expires = touched.Expires.Add(time.Hour)
		require.NoError(t, s.Touch(t.Context(), touched.ID, touched.Expires))
		stop := keepSaving(t, s)
		var before []store.Record
		for r, err := range s.List(t.Context(), "") {
			require.NoError(t, err)
			before = append(before, r)
		}
		path := filepath.Join(t.TempDir(), "backup.db")
		f, err := os.Create(path)
		require.NoError(t, err)
		n, err := s.Backup(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		stop()
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, info.Size(), n)
		files, err := os.ReadDir(filepath.Dir(s.Path()))
		require.NoError(t, err)
		require.Len(t, files, 2, "the file and its journal")
		verify(t, path)
		copied := openAt(t, path)
		holds(t, copied, before...)
		holds(t, copied, touched)
	})
	t.Run("holds no reader while it is written out", func(t *testing.T) {
		s, db := share(t, nil)
		save(t, s, newRecord("", ""))
		n, err := s.Backup(writerFunc(func(b []byte) (int, error) {
			require.Zero(t, db.Stats().OpenTxN)
			return len(b), nil
		}))
		require.NoError(t, err)
		require.Positive(t, n)
	})
	t.Run("to a writer that fails", func(t *testing.T) {
		s := open(t)
		cause := errors.New("full")
		_, err := s.Backup(writerFunc(func([]byte) (int, error) { return 0, cause }))
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, "bolt: back up "+s.Path())
	})
	t.Run("of a closed store", func(t *testing.T) {
		s := open(t)
		require.NoError(t, s.Close())
		_, err := s.Backup(&bytes.Buffer{})
		require.ErrorIs(t, err, store.ErrClosed)
	})
}

// A backup is the state of one moment: it has what was acknowledged before, also of
// a record that goes on changing, and of two that are saved in turn none without what
// came before it.
func TestBackup_oneMoment(t *testing.T) {
	for name, opts := range map[string][]bolt.Option{"with a journal": nil, "without": {bolt.WithJournal(0)}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, opts...)
			first, second := newRecord("alice", ""), newRecord("bob", "")
			save(t, s, first, second)
			var acknowledged atomic.Uint64
			stop := make(chan struct{})
			var saves sync.WaitGroup
			saves.Go(func() {
				for n := uint64(2); ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					first.Version, second.Version = n, n
					if err := errors.Join(s.Save(t.Context(), first), s.Save(t.Context(), second)); err != nil {
						t.Error(err)
						return
					}
					acknowledged.Store(n)
				}
			})
			for n := range 30 {
				before := acknowledged.Load()
				a, b := versionsIn(t, s, filepath.Join(t.TempDir(), fmt.Sprint(n)), first.ID, second.ID)
				require.GreaterOrEqual(t, b, before)
				require.True(t, a == b || a == b+1, "%d and %d", a, b)
			}
			close(stop)
			saves.Wait()
		})
	}
}

// versionsIn makes a backup, and returns the versions that two records have in it.
func versionsIn(t *testing.T, s *bolt.Store, path string, a, b store.ID) (uint64, uint64) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = s.Backup(f)
	require.NoError(t, errors.Join(err, f.Close()))
	verify(t, path)
	copied := bolt.Open(path)
	defer func() { require.NoError(t, copied.Close()) }()
	first, err := copied.Load(t.Context(), a)
	require.NoError(t, err)
	second, err := copied.Load(t.Context(), b)
	require.NoError(t, err)
	return first.Version, second.Version
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
