//go:build linux || darwin

package bolt_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// A change for which the disk has no room is refused alone: the others of its
// group are committed.
func TestGroup_noRoomForOne(t *testing.T) {
	if !alone(t) {
		return
	}
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
		requireNotSaved(t, errs[1], store.ErrFull)
		require.ErrorIs(t, errs[1], syscall.EFBIG) // of which bbolt keeps only the text
		require.NoError(t, errs[2])
		holds(t, s, small, other)
		lacks(t, s, large.ID)
		save(t, s, large)
		holds(t, s, large)
	})
}

// When a journal finds no room it is not in doubt: nothing of the group is in it, and
// it goes on once there is room.
func TestJournal_noRoom(t *testing.T) {
	if !alone(t) {
		return
	}
	s := open(t)
	r := newRecord("alice", "kept")
	save(t, s, r)
	var old syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	limit := old
	limit.Cur = 300 << 10
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	refused := newRecord("", string(make([]byte, 400<<10)))
	err := s.Save(t.Context(), refused)
	crashed := crash(t, s)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
	requireNotSaved(t, err, store.ErrFull)
	lacks(t, reopen(t, crashed), refused.ID)
	appended := s.Stats().Appended
	save(t, s, refused)
	require.Greater(t, s.Stats().Appended, appended)
	holds(t, s, r, refused)
	holds(t, reopen(t, crash(t, s)), r, refused)
}

const aloneEnv = "BOLT_TEST_ALONE"

// alone runs the calling test once more, in a process of its own, and there it
// reports true. It is for tests that limit what their process may do: the limit
// would also meet the other tests, and the log that go test keeps.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneEnv) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), aloneEnv+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}
