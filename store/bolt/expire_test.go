package bolt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A record expires while a change of it is under way that was decided before, and by
// which it goes on. Nobody sees it gone in between: it would have come back.
func TestLoad_expiresDuringTheCommit(t *testing.T) {
	for name, opt := range map[string]bolt.Option{"journal": bolt.WithJournal(1 << 20), "no journal": bolt.WithJournal(0)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, opt)
				r := newRecord("alice", "")
				r.Expires = time.Now().Add(time.Second)
				save(t, s, r)
				next := r
				next.Version, next.Expires = 2, time.Time{}
				saved, release := saveSlowly(t, s, next)
				time.Sleep(time.Second)

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := s.Load(ctx, r.ID)
				require.ErrorIs(t, err, context.DeadlineExceeded, "who cannot wait is not told that it is gone")
				var found store.Record
				var listed []store.Record
				go func() { found, err = s.Load(t.Context(), r.ID) }()
				go func() {
					for r, err := range s.List(t.Context(), "alice") {
						require.NoError(t, err)
						listed = append(listed, r)
					}
				}()
				synctest.Wait()
				release()
				synctest.Wait()
				require.NoError(t, <-saved)
				require.NoError(t, err)
				require.Equal(t, uint64(2), found.Version)
				require.Len(t, listed, 1)
				require.Equal(t, uint64(2), listed[0].Version)
			})
		})
	}
}

// saveSlowly saves a record, and stops the writer after that was decided, until release is
// called.
func saveSlowly(t *testing.T, s *bolt.Store, r store.Record) (saved <-chan error, release func()) {
	t.Helper()
	releaseQueue := s.Hold()
	done := make(chan error, 1)
	go func() { done <- s.Save(t.Context(), r) }()
	synctest.Wait()
	inside, release := s.HoldCommit()
	releaseQueue()
	<-inside
	return done, release
}

// An expired record that nobody is about to change is gone, also for who comes while
// others are changed.
func TestLoad_expiredDuringAnotherCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		r, other := newRecord("alice", ""), newRecord("bob", "")
		r.Expires = time.Now().Add(time.Second)
		save(t, s, r)
		saved, release := saveSlowly(t, s, other)
		time.Sleep(time.Second)
		lacks(t, s, r.ID)
		release()
		require.NoError(t, <-saved)
	})
}
