package gimlet

import (
	"context"
	"sync"
	"sync/atomic"
)

// keyLocks is one lock per key, of those that are in use. The zero value is
// ready.
type keyLocks[K comparable] struct {
	inUse atomic.Int64 // the length of locks
	mu    sync.Mutex
	locks map[K]*keyLock
}

type keyLock struct {
	turn  chan struct{} // holds one element while nobody has the lock
	users int
}

// taken reports whether anybody has the key's lock or waits for it. It costs
// nothing while no lock at all is in use.
func (l *keyLocks[K]) taken(key K) bool {
	if l.inUse.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locks[key] != nil
}

// lock waits for the key's lock, or for the end of ctx.
func (l *keyLocks[K]) lock(ctx context.Context, key K) (unlock func(), err error) {
	l.mu.Lock()
	k := l.locks[key]
	if k == nil {
		k = &keyLock{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		if l.locks == nil {
			l.locks = make(map[K]*keyLock)
		}
		l.locks[key] = k
		l.inUse.Add(1)
	}
	k.users++
	l.mu.Unlock()
	select {
	case <-k.turn:
		return func() {
			k.turn <- struct{}{}
			l.leave(key, k)
		}, nil
	case <-ctx.Done():
		l.leave(key, k)
		return nil, ctx.Err()
	}
}

func (l *keyLocks[K]) leave(key K, k *keyLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.locks, key)
		l.inUse.Add(-1)
	}
}
