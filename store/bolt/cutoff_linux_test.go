package bolt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// A file is first shorter and then without its pages. A commit between the two says
// that it is damaged as well.
func TestFileCutOff_pagesStillThere(t *testing.T) {
	path := filepath.Join(memoryDir(t), "program.db")
	var f *os.File
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		f, err = os.OpenFile(name, flag, mode)
		return f, err
	}})
	require.NoError(t, err)
	s, err := bolt.New(db)
	require.NoError(t, err)
	r := newRecord("alice", "kept")
	save(t, s, r)

	short, err := os.Open(write(t, []byte("short")))
	require.NoError(t, err)
	defer short.Close()
	require.NoError(t, unix.Dup3(int(short.Fd()), int(f.Fd()), unix.O_CLOEXEC))
	err = s.Save(t.Context(), newRecord("alice", strings.Repeat("large", 10<<10)))
	require.ErrorIs(t, err, bolt.ErrDamaged)
	require.ErrorContains(t, err, "file size too small 5")
	_, err = s.Load(t.Context(), r.ID)
	require.ErrorIs(t, err, bolt.ErrDamaged)
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// Only bbolt's own words count: a path may say anything.
func TestFileCutOff_notByItsName(t *testing.T) {
	dir := filepath.Join(memoryDir(t), "file size too small 5")
	require.NoError(t, os.Mkdir(dir, 0o700))
	s := openAt(t, filepath.Join(dir, "sessions.db"), bolt.WithJournal(0))
	undo := s.HookWrites(func(int64, func() (int, error)) (int, error) {
		return 0, &os.PathError{Op: "write", Path: s.Path(), Err: unix.EIO}
	})
	require.NotErrorIs(t, s.Save(t.Context(), newRecord("", "")), bolt.ErrDamaged)
	undo()
	save(t, s, newRecord("", "later"))
}
