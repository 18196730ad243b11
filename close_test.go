package gimlet_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// closing counts how often a store was closed, which fails.
type closing struct {
	store.Store
	times *int
	err   error
}

func (c closing) Close() error {
	*c.times++
	return errors.Join(c.Store.Close(), c.err)
}

// Closing twice is nil, also at the same time; one call learns how it went.
func TestClose_twice(t *testing.T) {
	times, failure := 0, errors.New("no space left")
	m, err := gimlet.New(closing{memory.New(), &times, failure})
	require.NoError(t, err)
	errs := make([]error, 10)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = m.Close() })
	}
	wg.Wait()
	require.Equal(t, 1, times)
	told := 0
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, failure)
			told++
		}
	}
	require.Equal(t, 1, told)
	require.NoError(t, m.Close())
}

// New owns the store: when it fails, it closes it.
func TestClose_newFails(t *testing.T) {
	times := 0
	_, err := gimlet.New(closing{memory.New(), &times, nil}, gimlet.WithLifetime(-1))
	require.ErrorContains(t, err, "lifetime")
	require.Equal(t, 1, times)
}
