package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// inBubble runs f with a clock of its own. At the end every goroutine must
// have gone, so each of these tests shows that Close leaves none.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestView_NeverExpired(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := open(t, memory.New(), cache.WithMaxAge(48*time.Hour))
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()

		time.Sleep(24*time.Hour - time.Nanosecond)
		_, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, s.Stats().Hits)

		time.Sleep(time.Nanosecond)
		_, err = s.View(t.Context(), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.EqualValues(t, 1, s.Stats().Hits)
	})
}

// A store may round the expiry down to the millisecond. The cache must not
// show the record for the rest of it.
func TestView_ExpiresWithTheStore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := memory.New()
		s := open(t, inner)
		r := newRecord()
		r.Expires = time.Now().Add(time.Second + 700*time.Microsecond)
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		want, err := inner.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.True(t, got.Expires.Equal(want.Expires), "%v and %v", got.Expires, want.Expires)
		require.True(t, got.Expires.Equal(r.Expires.Truncate(time.Millisecond)))

		require.NoError(t, s.Touch(t.Context(), r.ID, r.Expires.Add(time.Second)))
		got, err = s.View(t.Context(), r.ID)
		require.NoError(t, err)
		want, err = inner.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.True(t, got.Expires.Equal(want.Expires), "%v and %v", got.Expires, want.Expires)
		require.True(t, got.Expires.Equal(r.Expires.Add(time.Second).Truncate(time.Millisecond)))
		require.EqualValues(t, 2, s.Stats().Hits)
	})
}

// Rounded, an expiry in the first millisecond of the year 1 would be the zero
// time, which means never.
func TestSave_ExpiryIsNotRoundedToNever(t *testing.T) {
	s := open(t, memory.New())
	r := newRecord()
	r.Expires = time.Time{}.Add(time.Microsecond)
	require.NoError(t, s.Save(t.Context(), r))
	s.Wait()
	_, err := s.View(t.Context(), r.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestSave_NeverExpires(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := open(t, memory.New(), cache.WithMaxAge(1<<62))
		r := newRecord()
		r.Expires = time.Time{}
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		time.Sleep(100 * 24 * time.Hour)
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.True(t, got.Expires.IsZero())
		require.EqualValues(t, 1, s.Stats().Hits)
	})
}

func TestTouch_KeepsTheRecord(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := open(t, memory.New(), cache.WithMaxAge(time.Hour))
		r := newRecord()
		r.Expires = time.Now().Add(time.Minute)
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()

		later := time.Now().Add(30 * time.Minute)
		require.NoError(t, s.Touch(t.Context(), r.ID, later))
		time.Sleep(10 * time.Minute)
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.True(t, got.Expires.Equal(later))
		require.Equal(t, r.Data, got.Data)

		require.NoError(t, s.Touch(t.Context(), r.ID, time.Now().Add(time.Second)))
		time.Sleep(time.Second)
		_, err = s.View(t.Context(), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound, "a touch can also move the expiry back")
		require.EqualValues(t, 1, s.Stats().Hits)
	})
}

// A touch says nothing about the data, so it must not keep on serving data
// that another process has replaced.
func TestTouch_DoesNotRejuvenate(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		inner := memory.New()
		s := open(t, inner, cache.WithMaxAge(10*time.Second))
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		other := r
		other.Version, other.Data = 2, []byte("of another process")
		require.NoError(t, inner.Save(t.Context(), other))

		for range 9 {
			time.Sleep(time.Second)
			require.NoError(t, s.Touch(t.Context(), r.ID, time.Now().Add(time.Hour)))
		}
		_, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, s.Stats().Hits, "the touches kept the entry")
		time.Sleep(time.Second)
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Version)
	})
}

func TestSweep_PassesOn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := open(t, memory.New(), cache.WithMaxAge(48*time.Hour))
		r := newRecord()
		require.NoError(t, s.Save(t.Context(), r))
		s.Wait()
		time.Sleep(24 * time.Hour)
		n, err := s.Sweep(t.Context(), time.Now(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = s.View(t.Context(), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound)

		r.Data, r.Expires = []byte("inserted again"), time.Time{}
		require.NoError(t, s.Save(t.Context(), r))
		got, err := s.View(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
	})
}
