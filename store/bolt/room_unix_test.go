//go:build linux || darwin

package bolt_test

import (
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A change for which the disk has no room is refused alone: the others of its
// group are committed.
func TestGroup_noRoomForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		small, large, other := newRecord("alice", "small"), newRecord("", string(make([]byte, 4<<20))), newRecord("bob", "")
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		limit := old
		limit.Cur = 1 << 20
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		errs := together(s, saving(s, small), saving(s, large), saving(s, other))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
		require.NoError(t, errs[0])
		require.ErrorContains(t, errs[1], "file too large")
		require.NoError(t, errs[2])
		holds(t, s, small, other)
		lacks(t, s, large.ID)
		save(t, s, large)
		holds(t, s, large)
	})
}
