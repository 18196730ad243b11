package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A reader loads the old version and is held up on its way back; meanwhile the
// new version is saved. What the reader then puts in the cache must never be
// served.
func TestEpochs_LateFill(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := &hooked{Store: memory.New()}
		s := open(t, inner)
		r := newRecord()
		require.NoError(t, inner.Store.Save(t.Context(), r))

		release := make(chan struct{})
		inner.load = func(next func() (store.Record, error)) (store.Record, error) {
			r, err := next()
			<-release
			return r, err
		}
		slow := make(chan uint64)
		go func() {
			r, _ := s.View(t.Context(), r.ID)
			slow <- r.Version
		}()
		synctest.Wait()

		r.Version = 2
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		close(release)
		require.EqualValues(t, 1, <-slow, "the reader began before the save, so it may see the old version")
		s.Wait()
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Version)
		require.EqualValues(t, 1, s.Stats().Hits, "what came late did not push out what is right")
	})
}

// While a write is inside the inner store nobody can know which version is the
// newest, so reads go there and keep nothing.
func TestEpochs_WriteInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for name, write := range map[string]func(s *cache.Store, r store.Record) error{
			"Save":   func(s *cache.Store, r store.Record) error { r.Version++; return s.Save(t.Context(), r) },
			"Touch":  func(s *cache.Store, r store.Record) error { return s.Touch(t.Context(), r.ID, r.Expires) },
			"Delete": func(s *cache.Store, r store.Record) error { return s.Delete(t.Context(), r.ID) },
		} {
			inner := &hooked{Store: memory.New()}
			s := open(t, inner)
			r := newRecord()
			require.NoError(t, s.Save(t.Context(), r))
			s.Wait()

			release, done := make(chan struct{}), make(chan error)
			inner.write = func(next func() error) error {
				<-release
				return next()
			}
			go func() { done <- write(s, r) }()
			synctest.Wait()
			for range 3 {
				_, err := s.View(t.Context(), r.ID)
				require.NoError(t, err)
			}
			require.Equal(t, cache.Stats{Misses: 3, Fills: 1, Skips: 3}, s.Stats(), name)
			close(release)
			require.NoError(t, <-done)
			require.NoError(t, s.Close())
		}
	})
}

// Two writes to one word overlap. Which came last in the inner store is not
// known here, so neither may put its record in the cache.
func TestEpochs_OverlappingWrites(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := &hooked{Store: memory.New()}
		s := open(t, inner)
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()

		// Both are inside at once; they leave one after the other.
		turn, done := make(chan struct{}), make(chan error)
		inner.write = func(next func() error) error {
			err := next()
			<-turn
			return err
		}
		r.Version = 2
		go func() { done <- s.Save(t.Context(), r) }()
		synctest.Wait()
		next := r
		next.Version = 3
		go func() { done <- s.Save(t.Context(), next) }()
		synctest.Wait()
		for range 2 {
			turn <- struct{}{}
			require.NoError(t, <-done)
		}
		s.Wait()
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 3, got.Version)
		require.Equal(t, cache.Stats{Misses: 1, Fills: 2, Skips: 2}, s.Stats())
	})
}

// A touch overlaps with a save: the entry that it would prolong may be of the
// version before.
func TestEpochs_TouchDuringSave(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := &hooked{Store: memory.New()}
		s := open(t, inner)
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()

		release, done := make(chan struct{}), make(chan error)
		inner.write = func(next func() error) error {
			err := next()
			<-release
			return err
		}
		go func() { done <- s.Touch(t.Context(), r.ID, r.Expires.Add(time.Hour)) }()
		synctest.Wait()
		inner.write = nil
		r.Version = 2
		require.NoError(t, s.Save(t.Context(), r))
		close(release)
		require.NoError(t, <-done)
		s.Wait()
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Version)
		require.Zero(t, s.Stats().Hits)
	})
}

// A write to one record makes the others of its word misses, never wrong.
func TestEpochs_SharedWord(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	other := newRecord()
	for !s.SameWord(r.ID, other.ID) {
		other.ID = store.NewID(time.Now())
	}
	s.Wait()
	require.NoError(t, s.Save(t.Context(), other))
	s.Wait()
	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.ID, got.ID)
	require.Equal(t, cache.Stats{Misses: 1, Fills: 3}, s.Stats())
}

// Somebody else has saved a newer version. After the conflict a reload must
// see it.
func TestEpochs_ReloadAfterRefusal(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	r := newRecord()
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	r.Version, r.Data = 2, []byte("of another process")
	require.NoError(t, inner.Save(t.Context(), r))

	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrConflict)
	got, err := s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.Data, got.Data)
	s.Wait()
	_, err = s.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.EqualValues(t, 1, s.Stats().Hits, "a refusal leaves no doubt")

	require.NoError(t, inner.Delete(t.Context(), r.ID))
	r.Version = 3
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrNotFound)
	_, err = s.View(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A write fails and takes effect all the same, some time after its caller was
// told: the write of a request whose context ended while it stood in the
// store's queue. A read in between must not leave the old version behind.
func TestEpochs_WriteInDoubt(t *testing.T) {
	for name, failure := range map[string]error{
		"deadline": fmt.Errorf("save: %w", context.DeadlineExceeded),
		"failure":  errBroken,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				inner := &hooked{Store: memory.New()}
				s := open(t, inner, cache.WithMaxAge(time.Hour))
				r := newRecord()
				require.NoError(t, s.Save(t.Context(), r))
				s.Wait()

				var late func() error
				inner.write = func(next func() error) error {
					late = next
					return failure
				}
				require.ErrorIs(t, s.Delete(t.Context(), r.ID), failure)
				inner.write = nil
				for range 2 {
					_, err := s.View(t.Context(), r.ID)
					require.NoError(t, err, "not deleted yet")
					require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires))
					s.Wait()
				}
				time.Sleep(cache.DoubtTime - time.Second)
				_, err := s.View(t.Context(), r.ID)
				require.NoError(t, err)
				s.Wait()

				require.NoError(t, late())
				_, err = s.View(t.Context(), r.ID)
				require.ErrorIs(t, err, store.ErrNotFound)
				require.Zero(t, s.Stats().Hits)
			})
		})
	}
}

func TestEpochs_DoubtEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := &hooked{Store: memory.New()}
		s := open(t, inner)
		r := newRecord()
		inner.write = func(func() error) error { return errBroken }
		require.ErrorIs(t, s.Save(t.Context(), r), errBroken)
		inner.write = nil
		require.NoError(t, s.Save(t.Context(), r))
		require.Equal(t, cache.Stats{Skips: 1}, s.Stats())

		time.Sleep(cache.DoubtTime + time.Second)
		for range 2 {
			_, err := s.View(t.Context(), r.ID)
			require.NoError(t, err)
			s.Wait()
		}
		require.Equal(t, cache.Stats{Hits: 1, Misses: 1, Fills: 1, Skips: 1}, s.Stats())
	})
}

// What was refused or never begun cannot take effect later, so it leaves the
// word as it is.
func TestEpochs_NoDoubt(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, refusal := range []error{store.ErrNotFound, store.ErrConflict, store.ErrTooLarge, store.ErrInvalid} {
		inner := &hooked{Store: memory.New()}
		s := open(t, inner)
		r := newRecord()
		inner.write = func(func() error) error { return fmt.Errorf("inner: %w", refusal) }
		require.ErrorIs(t, s.Save(t.Context(), r), refusal)
		inner.write = nil
		require.ErrorIs(t, s.Save(ended, r), context.Canceled)
		require.ErrorIs(t, s.Touch(ended, r.ID, r.Expires), context.Canceled)
		require.ErrorIs(t, s.Delete(ended, r.ID), context.Canceled)
		require.NoError(t, s.Save(t.Context(), r))
		require.Equal(t, cache.Stats{Fills: 1}, s.Stats(), "%v", refusal)
	}
}
