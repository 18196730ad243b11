package bolt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A file that was cut off anywhere is refused, or all that it should have is there.
func TestOpen_cutOff(t *testing.T) {
	whole, want := smallImage(t, 200)
	c := &trial{path: write(t, nil), want: want, opts: []bolt.Option{bolt.WithJournal(0)}}
	for size := 512; size <= len(whole); size += 512 {
		require.NoError(t, os.WriteFile(c.path, whole[:size], 0o600))
		before := c.tally.refused.Load()
		require.NoError(t, c.run(), "%d bytes", size)
		if size < len(whole) {
			require.Equal(t, before+1, c.tally.refused.Load(), "%d bytes", size)
			b, err := os.ReadFile(c.path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(whole[:size], b), "it was changed")
		}
	}
	require.EqualValues(t, 1, c.tally.served.Load())
	t.Logf("figures: cut off at %d places, %v", len(whole)/512, &c.tally)
}

// A file that was cut off, or has nothing left, is not mapped anew: bbolt would make a
// database of it, without a session.
func TestFileCutOff_mappedAnew(t *testing.T) {
	whole, _ := smallImage(t, 200)
	for _, size := range []int64{0, 1, imagePage, int64(len(whole)) - 1} {
		path := write(t, whole)
		s := bolt.Open(path, bolt.WithJournal(0))
		require.NoError(t, s.Err())
		if err := os.Truncate(path, size); err != nil {
			t.Skip("an open file cannot be cut off: ", err)
		}
		require.ErrorIs(t, s.MapAnew(), bolt.ErrDamaged, "%d bytes", size)
		require.NoError(t, s.Close())
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, size, info.Size(), "it was changed")
	}
}

// Without the verifier bbolt reads beyond the end of such a file.
func TestOpen_cutOff_Control(t *testing.T) {
	whole, want := smallImage(t, 200)
	path := write(t, whole[:len(whole)/2])
	s := bolt.Open(path, bolt.Unverified())
	missing := 0
	for id := range want {
		if _, err := s.Load(t.Context(), id); err != nil {
			require.NotErrorIs(t, err, store.ErrNotFound)
			missing++
		}
	}
	_ = s.Close()
	require.NotZero(t, missing, "it was opened whole")
}

// A store whose file was removed says so instead of saving what will be gone, shows what
// it has, and does not remove what is there by now.
func TestOpen_removedWhileOpen(t *testing.T) {
	dir := memoryDir(t)
	s := bolt.Open(filepath.Join(dir, "sessions.db"))
	r := newRecord("alice", "first")
	save(t, s, r)
	for _, name := range []string{s.Path(), bolt.Journal(s.Path())} {
		if err := os.Remove(name); err != nil {
			t.Skip("an open file cannot be removed: ", err)
		}
	}
	next := openAt(t, s.Path())
	theirs := newRecord("bob", "of the next")
	save(t, next, theirs)
	for range 3 {
		err := s.Save(t.Context(), newRecord("alice", "late"))
		require.ErrorIs(t, err, store.ErrNotSaved)
		require.ErrorContains(t, err, "commit to "+s.Path()+": the file was removed while it is open")
	}
	holds(t, s, r)
	require.ErrorContains(t, s.Close(), "the file was removed while it is open")
	require.FileExists(t, bolt.Journal(next.Path()))
	holds(t, reopen(t, crash(t, next)), theirs)
}
