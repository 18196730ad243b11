package gimlet

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// Of those that ask for one key's lock, one at a time has it.
func TestKeyLocks_mutualExclusion(t *testing.T) {
	var locks keyLocks[string]
	counts := map[string]*int{"a": new(int), "b": new(int)} // the race detector watches them
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				for key, n := range counts {
					unlock, err := locks.lock(context.Background(), key)
					if err != nil {
						panic(err)
					}
					*n++
					unlock()
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1600, *counts["a"])
	require.Equal(t, 1600, *counts["b"])
	require.Empty(t, locks.locks, "no entry is left")
}

// Different keys do not wait for each other.
func TestKeyLocks_keysAreApart(t *testing.T) {
	var locks keyLocks[int]
	first, err := locks.lock(t.Context(), 1)
	require.NoError(t, err)
	second, err := locks.lock(t.Context(), 2)
	require.NoError(t, err)
	require.Len(t, locks.locks, 2)
	first()
	second()
	require.Empty(t, locks.locks)
}

// Who waits gives up with the context, without taking the lock from the others
// or leaving an entry.
func TestKeyLocks_contextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks keyLocks[string]
		unlock, err := locks.lock(t.Context(), "k")
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := locks.lock(ctx, "k")
			gaveUp <- err
		}()
		got := make(chan func(), 1)
		go func() {
			unlock, err := locks.lock(context.Background(), "k")
			if err != nil {
				panic(err)
			}
			got <- unlock
		}()
		synctest.Wait()
		require.Empty(t, got)
		require.Empty(t, gaveUp)
		cancel()
		require.ErrorIs(t, <-gaveUp, context.Canceled)
		synctest.Wait()
		require.Empty(t, got, "the lock is still held")
		unlock()
		(<-got)()
		require.Empty(t, locks.locks)
	})
}
