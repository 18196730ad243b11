package bolt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A store that has failed keeps its file for as long as a transaction of its own may
// still write to it.
func TestClose_failedWhileWriting(t *testing.T) {
	for name, size := range journals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(memoryDir(t), "sessions.db")
				s := bolt.Open(path, bolt.WithJournal(size))
				kept := newRecord("alice", "kept")
				save(t, s, kept)
				inside, release := holdWrite(s)
				go func() {
					if size > 0 {
						_ = s.CheckpointWhile(context.Background(), func() error { return nil })
					} else {
						_ = s.Save(context.Background(), newRecord("alice", "under way"))
					}
				}()
				<-inside
				s.Fail(errors.New("a fault that a reader has met"))
				err := s.Close()
				require.ErrorIs(t, err, bolt.ErrStuck)
				require.EqualError(t, err, "bolt: close "+path+": what was under way when the store failed does not end (waited 10s), "+
					"and keeps the file locked until it does, or the program ends: a fault that a reader has met")
				require.ErrorIs(t, bolt.Open(path, bolt.WithLockTimeout(time.Second)).Err(), bolt.ErrLocked)
				release()
				time.Sleep(time.Second)
				holds(t, openAt(t, path), kept)
			})
		})
	}
}

// holdWrite stops the first write of a transaction until release is called.
func holdWrite(s *bolt.Store) (inside <-chan struct{}, release func()) {
	reached, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.HookWrites(func(_ int64, next func() (int, error)) (int, error) {
		once.Do(func() {
			close(reached)
			<-free
		})
		return next()
	})
	return reached, func() { close(free) }
}

// One that waits to begin does not keep the file: it writes nothing any more.
func TestClose_failedBeforeWriting(t *testing.T) {
	for name, size := range journals {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(memoryDir(t), "sessions.db")
			s := bolt.Open(path, bolt.WithJournal(size), bolt.WithCloseTimeout(500*time.Millisecond))
			kept := newRecord("alice", "kept")
			save(t, s, kept)
			unlock := s.LockDatabase()
			late := make(chan error, 1)
			go func() {
				if size > 0 {
					late <- s.CheckpointWhile(context.Background(), func() error { return nil })
				} else {
					late <- s.Save(context.Background(), newRecord("alice", "late"))
				}
			}()
			for !s.WaitsToBegin() {
				runtime.Gosched()
			}
			fault := errors.New("a fault that a reader has met")
			s.Fail(fault)
			require.NoError(t, s.Close())
			next := openAt(t, path)
			holds(t, next, kept)
			unlock()
			<-s.Stopped()
			save(t, next, newRecord("alice", "of the next owner"))
			require.Len(t, list(t, next, "alice"), 2)
			require.NotNil(t, <-late)
		})
	}
}

// What such a store was copying is given up late: a copy of the next owner's stays.
func TestClose_failedWhileCompacting(t *testing.T) {
	path := filepath.Join(memoryDir(t), "sessions.db")
	s := bolt.Open(path)
	save(t, s, newRecord("alice", "kept"))
	unlock := func() {}
	compacted := make(chan error, 1)
	var once sync.Once
	go func() {
		compacted <- s.ShrinkWhile(context.Background(), func() {
			once.Do(func() {
				unlock = s.LockDatabase()
				go func() { _ = s.CheckpointWhile(context.Background(), func() error { return nil }) }()
				for s.WorkWaiting() == 0 {
					runtime.Gosched()
				}
				s.GiveWay()
			})
		})
	}()
	for !s.WaitsToBegin() {
		runtime.Gosched()
	}
	s.Fail(errors.New("a fault that a reader has met"))
	require.NoError(t, s.Close())
	next := openAt(t, path)
	theirs := path + ".tmp"
	require.NoError(t, os.WriteFile(theirs, []byte("a copy"), 0o600))
	unlock()
	<-s.Stopped()
	require.Error(t, <-compacted)
	require.FileExists(t, theirs)
	require.NoError(t, next.Compact(t.Context()))
	require.NoFileExists(t, theirs)
}

// A reader that waits for the disk, and a compaction that waits for it, do not keep Close
// beyond its bound.
func TestClose_stuckReader(t *testing.T) {
	s := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"), bolt.WithCloseTimeout(100*time.Millisecond))
	save(t, s, newRecord("alice", "kept"))
	inside, free := make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		_ = s.ReadWhile(func() {
			close(inside)
			<-free
		})
	})
	<-inside
	busy.Go(func() { _ = s.Compact(context.Background()) })
	for !s.WaitsForReaders() {
		runtime.Gosched()
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		require.ErrorIs(t, err, bolt.ErrStuck)
	case <-time.After(10 * time.Second):
		t.Error("it waits for the reader")
	}
	close(free)
	busy.Wait()
	<-s.Stopped()
}

// The file of a store that was closed is not damaged.
func TestClose_beforeItIsMappedAnew(t *testing.T) {
	s := bolt.Open(filepath.Join(memoryDir(t), "sessions.db"))
	require.NoError(t, s.Close())
	err := s.MapAnew()
	require.ErrorIs(t, err, store.ErrClosed)
	require.NotErrorIs(t, err, bolt.ErrDamaged)
}
