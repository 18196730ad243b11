package gimlet_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/storetest"
)

// stacked puts the layers that New composes around the durable store.
func stacked(t testing.TB, dir string) store.Store {
	t.Helper()
	compressed, err := compress.New(bolt.Open(filepath.Join(dir, "sessions.db")), compress.WithMinSize(64))
	require.NoError(t, err)
	cached, err := cache.New(compressed, 1<<20)
	require.NoError(t, err)
	return cached
}

// The stack that New composes keeps the contract of a store.
func TestStack(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return stacked(t, t.TempDir()) })
}

// The same for what it promises about the disk.
func TestStack_durable(t *testing.T) {
	storetest.RunDurable(t, func(t *testing.T, dir string) store.Store { return stacked(t, dir) })
}

// What the stack costs.
func BenchmarkStack(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return stacked(b, b.TempDir()) })
}
