package bolt_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A disk that does not answer keeps Close only for some time, and with it those who wait
// without a bound of their own. When the disk answers all is written, and only then is
// the file given up.
func TestClose_stuckDisk(t *testing.T) {
	for name, opts := range map[string][]bolt.Option{
		"by default":        nil,
		"a bound":           {bolt.WithCloseTimeout(time.Hour)},
		"without a journal": {bolt.WithJournal(0), bolt.WithCloseTimeout(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeStuck(t, opts) })
		})
	}
}

func closeStuck(t *testing.T, opts []bolt.Option) {
	path := filepath.Join(memoryDir(t), "sessions.db")
	s := bolt.Open(path, opts...)
	require.NoError(t, s.Err())
	before := newRecord("alice", "acknowledged")
	save(t, s, before)
	touched := before.Expires.Add(time.Minute)
	require.NoError(t, s.Touch(t.Context(), before.ID, touched))

	release := s.HoldDatabase()
	late := make(chan error, 1)
	go func() { late <- s.Compact(context.Background()) }()
	synctest.Wait()
	began := time.Now()
	err := s.Close()
	require.ErrorIs(t, err, bolt.ErrStuck)
	require.ErrorContains(t, err, "bolt: close "+path+": the disk does not answer (waited ")
	require.Contains(t, []time.Duration{10 * time.Second, time.Minute, time.Hour}, time.Since(began))
	require.ErrorIs(t, <-late, store.ErrClosed)
	require.ErrorIs(t, s.Save(t.Context(), newRecord("", "")), store.ErrClosed)
	require.NoError(t, s.Close())

	err = bolt.Open(path, bolt.WithLockTimeout(time.Second)).Err()
	require.ErrorIs(t, err, bolt.ErrLocked)
	require.ErrorContains(t, err, "by a store of this process that is being closed (waited 1s)")
	release()
	synctest.Wait()
	require.NoFileExists(t, bolt.Journal(path))
	next := openAt(t, path)
	before.Expires = touched
	holds(t, next, before)
}

// A load that waits for a change ends when Close does.
func TestClose_stuckBeforeALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"), bolt.WithJournal(0))
		r := newRecord("alice", "")
		r.Expires = time.Now().Add(time.Minute)
		save(t, s, r)
		inside, release := holdWrite(s)
		go func() {
			later := r
			later.Version, later.Expires = 2, time.Now().Add(time.Hour)
			_ = s.Save(context.Background(), later)
		}()
		<-inside
		time.Sleep(2 * time.Minute)
		ended := make(chan error, 2)
		go func() {
			_, err := s.Load(context.Background(), r.ID)
			ended <- err
		}()
		go func() {
			var failed error
			for _, err := range s.List(context.Background(), "alice") {
				failed = err
			}
			ended <- failed
		}()
		synctest.Wait()
		require.Empty(t, ended)
		require.ErrorIs(t, s.Close(), bolt.ErrStuck)
		require.ErrorIs(t, <-ended, store.ErrClosed)
		require.ErrorIs(t, <-ended, store.ErrClosed)
		release()
		synctest.Wait()
	})
}

func TestWithCloseTimeout(t *testing.T) {
	err := bolt.Open(t.TempDir()+"/sessions.db", bolt.WithCloseTimeout(0)).Err()
	require.EqualError(t, err, "bolt: WithCloseTimeout(0s): must be more than zero")
}

// Whoever is inside when Close gives up learns that the outcome is open.
func TestClose_stuckDuringTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"))
		require.NoError(t, s.Err())
		inside, release := s.HoldCommit()
		<-inside
		errs := make(chan error, 1)
		go func() { errs <- s.Save(context.Background(), newRecord("", "in the queue")) }()
		synctest.Wait()
		require.ErrorIs(t, s.Close(), bolt.ErrStuck)
		require.ErrorIs(t, <-errs, store.ErrClosed)
		release()
		synctest.Wait()
	})
}
