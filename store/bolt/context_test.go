package bolt_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func TestContext(t *testing.T) {
	inBubble(t, "ends in the queue", func(t *testing.T, s *bolt.Store) {
		release := s.Hold()
		ctx, cancel := context.WithCancel(t.Context())
		r := newRecord("", "")
		var err error
		go func() { err = s.Save(ctx, r) }()
		synctest.Wait()
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		require.ErrorIs(t, err, context.Canceled)
		release()
		lacks(t, s, r.ID)
		require.Zero(t, s.Stats().Commits)
	})
	inBubble(t, "has ended when the writer looks", func(t *testing.T, s *bolt.Store) {
		release := s.Hold()
		ctx := &quietContext{Context: t.Context()}
		r := newRecord("", "")
		errs := make(chan error, 1)
		go func() { errs <- s.Save(ctx, r) }()
		synctest.Wait()
		ctx.ended.Store(true)
		release()
		requireNotSaved(t, <-errs, context.Canceled)
		lacks(t, s, r.ID)
	})
	inBubble(t, "ends before the queue has room", func(t *testing.T, s *bolt.Store) {
		release := s.Hold()
		for range bolt.QueueLength {
			go func() { _ = s.Delete(context.Background(), store.ID{1}) }()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { err = s.Delete(ctx, store.ID{1}) }()
		synctest.Wait()
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		requireNotSaved(t, err, context.Canceled)
		release()
	})
}

func TestContext_endsDuringTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		releaseQueue := s.Hold()
		inside, release := s.HoldCommit()
		ctx, cancel := context.WithCancel(t.Context())
		r := newRecord("alice", "whole")
		var err error
		go func() { err = s.Save(ctx, r) }()
		synctest.Wait()
		releaseQueue()
		<-inside
		cancel()
		synctest.Wait()
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "the outcome is not known")
		r.Data[0] = 'W' // the caller has its bytes back
		release()
		synctest.Wait()
		r.Data[0] = 'w'
		holds(t, s, r)
	})
}

// A quietContext ends without waking anybody, as if its caller were slow to notice.
type quietContext struct {
	context.Context
	ended atomic.Bool
}

func (c *quietContext) Err() error {
	if c.ended.Load() {
		return context.Canceled
	}
	return nil
}
