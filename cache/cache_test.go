package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/store/storetest"
)

const size = 1 << 20

func open(t testing.TB, inner store.Store, opts ...cache.Option) *cache.Store {
	t.Helper()
	s, err := cache.New(inner, size, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Run("over memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return open(t, memory.New()) })
	})
	t.Run("tiny", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			s, err := cache.New(memory.New(), cache.MinBytes)
			require.NoError(t, err)
			return s
		})
	})
	t.Run("over compress over memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			c, err := compress.New(memory.New(), compress.WithMinSize(1))
			require.NoError(t, err)
			return open(t, c)
		})
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b, memory.New()) })
}

func BenchmarkStore_View(b *testing.B) {
	s := open(b, memory.New(), cache.WithMaxAge(time.Hour))
	r := newRecord()
	require.NoError(b, s.Save(b.Context(), r))
	s.Wait()
	b.ReportAllocs()
	for b.Loop() {
		s.View(b.Context(), r.ID)
	}
	require.Zero(b, s.Stats().Misses)
}

func TestNew_Refuses(t *testing.T) {
	inner := memory.New()
	_, err := cache.New(nil, size)
	require.EqualError(t, err, "cache: no store to wrap")
	_, err = cache.New(inner, cache.MinBytes-1)
	require.EqualError(t, err, "cache: a size of 65535 bytes: the least is 65536")
	_, err = cache.New(inner, size, cache.WithMaxAge(0))
	require.EqualError(t, err, "cache: a maximum age of 0s: it must be above zero")
	require.NoError(t, inner.Save(t.Context(), newRecord()), "the inner store is still open")
}

// newRecord returns the first version of a record that lives for a day.
func newRecord() store.Record {
	return store.Record{
		ID:      store.NewID(time.Now()),
		Version: 1,
		Expires: time.Now().Add(24 * time.Hour),
		Owner:   "margaret",
		Data:    []byte("data of the first version"),
	}
}

// A hooked store lets a test stand between the cache and the inner store. The
// hooks that are set run in place of the call and are given it as next.
type hooked struct {
	store.Store
	load  func(next func() (store.Record, error)) (store.Record, error)
	write func(next func() error) error
}

func (h *hooked) Load(ctx context.Context, id store.ID) (store.Record, error) {
	next := func() (store.Record, error) { return h.Store.Load(ctx, id) }
	if h.load == nil {
		return next()
	}
	return h.load(next)
}

func (h *hooked) Save(ctx context.Context, r store.Record) error {
	return h.through(func() error { return h.Store.Save(ctx, r) })
}

func (h *hooked) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	return h.through(func() error { return h.Store.Touch(ctx, id, expires) })
}

func (h *hooked) Delete(ctx context.Context, id store.ID) error {
	return h.through(func() error { return h.Store.Delete(ctx, id) })
}

func (h *hooked) through(next func() error) error {
	if h.write == nil {
		return next()
	}
	return h.write(next)
}

var errBroken = errors.New("the disk is broken")
