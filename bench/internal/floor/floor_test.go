package floor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/floor"
	"github.com/gimlet-go/gimlet/bench/internal/machine"
)

// Each floor gives the disk something to write, each time.
func TestFloors_write(t *testing.T) {
	for _, f := range []floor.Floor{floor.Datasync, floor.Commit} {
		t.Run(f.Name, func(t *testing.T) {
			opened, err := f.Open(t.TempDir())
			require.NoError(t, err)
			require.NoError(t, opened.Do())
			before, _, err := machine.Written(t.TempDir())
			if err != nil {
				require.ErrorIs(t, err, machine.ErrUnsupported)
			}
			const times = 5
			for range times {
				require.NoError(t, opened.Do())
			}
			after, _, err := machine.Written(t.TempDir())
			if err == nil {
				require.GreaterOrEqual(t, after-before, int64(times*512))
			}
			require.NoError(t, opened.Close())
			require.Error(t, opened.Do(), "after Close there is nothing to write to")
		})
	}
}
