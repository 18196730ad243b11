package bolt

import (
	"context"
	"reflect"
	"sync"
	"unsafe"

	"go.etcd.io/bbolt"
)

// Who waits for whom, for tests of what ends a wait.

// ReadWhile calls fn within a transaction that reads.
func (s *Store) ReadWhile(fn func()) error {
	return s.view(func(*bbolt.Tx) error {
		fn()
		return nil
	})
}

// GiveWay does what a compaction lets happen between its steps.
func (s *Store) GiveWay() { s.giveWay() }

// Begins reports whether a transaction that reads is beginning.
func (s *Store) Begins() bool {
	if !s.beginning.TryLock() {
		return true
	}
	s.beginning.Unlock()
	return false
}

// WaitsForReaders reports whether an exchange of the file waits for those who read it.
func (s *Store) WaitsForReaders() bool { return !tryRead(&s.gate) }

// WaitsToMap reports whether a transaction waits to make the memory map larger.
func WaitsToMap(db *bbolt.DB) bool { return !tryRead((*sync.RWMutex)(lockOf(db, "mmaplock"))) }

func tryRead(lock *sync.RWMutex) bool {
	if !lock.TryRLock() {
		return false
	}
	lock.RUnlock()
	return true
}

// LockDatabase takes the lock of bbolt's that a transaction waits for that writes.
func (s *Store) LockDatabase() (unlock func()) {
	lock := (*sync.Mutex)(lockOf(s.db, "rwlock"))
	lock.Lock()
	return lock.Unlock
}

func lockOf(db *bbolt.DB, name string) unsafe.Pointer {
	return reflect.ValueOf(db).Elem().FieldByName(name).Addr().UnsafePointer()
}

// WaitsToBegin reports whether a transaction that writes waits to begin.
func (s *Store) WaitsToBegin() bool { return s.waits.Load() }

// CheckpointWhile moves all that the journal has, and calls fn within the
// transaction.
func (s *Store) CheckpointWhile(ctx context.Context, fn func() error) error {
	return s.submitTo(ctx, s.work, &request{job: func() error {
		end := s.journal.head.Load()
		return s.moveUpTo(end, func(t *txn) error {
			if err := fn(); err != nil {
				return err
			}
			return t.setJournal(s.journal.id, end)
		})
	}})
}
