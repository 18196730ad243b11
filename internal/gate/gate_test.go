package gate_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/gate"
)

func TestGate_EnterAfterClose(t *testing.T) {
	var g gate.Gate
	require.True(t, g.Enter())
	g.Leave()
	g.Close()
	require.False(t, g.Enter())
	require.False(t, g.Enter())
	g.Close()
}

func TestGate_CloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate.Gate
		require.True(t, g.Enter())
		require.True(t, g.Enter())

		var closed atomic.Int32
		for range 2 {
			go func() {
				g.Close()
				closed.Add(1)
			}()
		}
		synctest.Wait()
		require.False(t, g.Enter(), "a gate that waits to close lets nobody in")
		require.Zero(t, closed.Load())

		g.Leave()
		synctest.Wait()
		require.Zero(t, closed.Load(), "one call is still inside")

		g.Leave()
		synctest.Wait()
		require.EqualValues(t, 2, closed.Load())
	})
}

// A gate guards a plain variable here: the race detector and the count tell
// whether somebody was inside after Close had returned.
func TestGate_Storm(t *testing.T) {
	for range 200 {
		var g gate.Gate
		var inside, refused, late atomic.Int64
		open := true
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for refused.Load() < 20 {
					if !g.Enter() {
						refused.Add(1)
						continue
					}
					inside.Add(1)
					if !open {
						late.Add(1)
					}
					inside.Add(-1)
					g.Leave()
				}
			})
		}
		g.Close()
		open = false
		require.Zero(t, inside.Load())
		wg.Wait()
		require.Zero(t, late.Load())
	}
}
