package truth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A failing store fails now and then, in each way in which the contract says that it may:
// nothing has happened, it has happened and the answer was lost, nobody knows that it
// never will, or it happens later.
type failing struct {
	store.Store
	on   atomic.Bool // it has begun to fail
	late sync.WaitGroup
}

var errLost = errors.New("the answer was lost")

// oftenEnough is how many calls there are to one that fails, in each of the ways.
const oftenEnough = 600

func (s *failing) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if s.on.Load() && rand.IntN(oftenEnough) == 0 {
		return store.Record{}, errLost
	}
	return s.Store.Load(ctx, id)
}

func (s *failing) Save(ctx context.Context, r store.Record) error {
	r.Data = bytes.Clone(r.Data) // it may be later that it is saved
	return s.change(ctx, func(ctx context.Context) error { return s.Store.Save(ctx, r) })
}

func (s *failing) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	return s.change(ctx, func(ctx context.Context) error { return s.Store.Touch(ctx, id, expires) })
}

func (s *failing) Delete(ctx context.Context, id store.ID) error {
	return s.change(ctx, func(ctx context.Context) error { return s.Store.Delete(ctx, id) })
}

func (s *failing) change(ctx context.Context, f func(context.Context) error) error {
	if !s.on.Load() {
		return f(ctx)
	}
	switch rand.IntN(oftenEnough) {
	case 0:
		return fmt.Errorf("full: %w", store.ErrNotSaved)
	case 1:
		return errLost
	case 2:
		return errors.Join(f(ctx), errLost)
	case 3:
		s.late.Go(func() {
			for range rand.IntN(200) {
				runtime.Gosched()
			}
			_ = f(context.WithoutCancel(ctx))
		})
		return errLost
	}
	return f(ctx)
}

// Close waits for what happens later.
func (s *failing) Close() error {
	s.late.Wait()
	return s.Store.Close()
}

// A slack store lets other goroutines run at the worst moments: between what happens in
// the store and the news of it.
type slack struct{ store.Store }

func (s slack) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r, err := s.Store.Load(ctx, id)
	runtime.Gosched()
	return r, err
}

func (s slack) Save(ctx context.Context, r store.Record) error {
	err := s.Store.Save(ctx, r)
	runtime.Gosched()
	return err
}

func (s slack) Delete(ctx context.Context, id store.ID) error {
	err := s.Store.Delete(ctx, id)
	runtime.Gosched()
	return err
}

// A naive cache is what one would write at first: it keeps what was read, and forgets what
// has changed, but does not look whether that was in between. The tests must find it out.
type naive struct {
	store.Store
	records sync.Map
}

func (s *naive) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if v, ok := s.records.Load(id); ok && !v.(store.Record).Expired(time.Now()) {
		r := v.(store.Record)
		r.Data = bytes.Clone(r.Data)
		return r, nil
	}
	r, err := s.Store.Load(ctx, id)
	if err == nil {
		own := r
		own.Data = bytes.Clone(r.Data)
		s.records.Store(id, own)
	}
	return r, err
}

func (s *naive) Save(ctx context.Context, r store.Record) error {
	defer s.records.Delete(r.ID)
	return s.Store.Save(ctx, r)
}

func (s *naive) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	defer s.records.Delete(id)
	return s.Store.Touch(ctx, id, expires)
}

func (s *naive) Delete(ctx context.Context, id store.ID) error {
	defer s.records.Delete(id)
	return s.Store.Delete(ctx, id)
}
