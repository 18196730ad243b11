package bolt_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// requireNotSaved checks the error of a change that has had no effect.
func requireNotSaved(t *testing.T, err, cause error) {
	t.Helper()
	require.ErrorIs(t, err, store.ErrNotSaved)
	require.ErrorIs(t, err, cause)
}

var errBroken = &os.PathError{Op: "write", Path: "sessions.db", Err: syscall.EIO}

// onMeta reports whether a write is one of a meta page.
func onMeta(offset int64) bool { return offset < 2*int64(os.Getpagesize()) }

// However a transaction fails, its changes are either certainly not there, now
// and after a crash, or saved, or the error does not say so. The store goes on
// when the cause is gone.
func TestOutcome_transaction(t *testing.T) {
	tests := map[string]struct {
		write   func(metas int, meta bool, next func() (int, error)) (int, error)
		outcome string
	}{
		"no page can be written": {func(_ int, meta bool, next func() (int, error)) (int, error) {
			if meta {
				return next()
			}
			return 0, errBroken
		}, "not saved"},
		"the meta page is not written": {func(_ int, meta bool, next func() (int, error)) (int, error) {
			if meta {
				return 0, errBroken
			}
			return next()
		}, "not saved"},
		"the meta page fails when it is there": {func(metas int, _ bool, next func() (int, error)) (int, error) {
			n, err := next()
			if metas == 1 {
				err = errBroken
			}
			return n, err
		}, "saved"},
		"the meta page fails when it is there, and cannot be written again": {func(metas int, _ bool, next func() (int, error)) (int, error) {
			n, err := next()
			if metas == 1 {
				err = errBroken
			}
			return n, err
		}, "unknown"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, bolt.WithJournal(0))
			before, r, after := newRecord("alice", "before"), newRecord("alice", "lost?"), newRecord("", "after")
			save(t, s, before)
			metas, good := 0, (*os.File)(nil)
			if c.outcome == "unknown" {
				useless, err := os.Open(s.Path())
				require.NoError(t, err)
				defer useless.Close()
				good = s.SwapFile(useless)
			}
			undo := s.HookWrites(func(offset int64, next func() (int, error)) (int, error) {
				if onMeta(offset) {
					metas++
				}
				n, err := c.write(metas, onMeta(offset), next)
				return n, err
			})
			err := s.Save(t.Context(), r)
			crashed := crash(t, s)
			switch c.outcome {
			case "saved":
				require.NoError(t, err)
				holds(t, s, r)
				holds(t, reopen(t, crashed), before, r)
			case "not saved":
				requireNotSaved(t, err, syscall.EIO)
				lacks(t, s, r.ID)
				lacks(t, reopen(t, crashed), r.ID)
			case "unknown":
				require.ErrorIs(t, err, syscall.EIO)
				require.NotErrorIs(t, err, store.ErrNotSaved)
				require.ErrorContains(t, err, "the outcome is not known")
				requireNotSaved(t, s.Save(t.Context(), after), syscall.EBADF)
				s.SwapFile(good)
			}
			undo()
			save(t, s, after)
			holds(t, s, before, after)
			holds(t, reopen(t, crash(t, s)), before, after)
		})
	}
}

// With a journal a failing database concerns nobody while there is room, and
// then those who wait for it: their changes are certainly not saved.
func TestOutcome_journal(t *testing.T) {
	s := open(t, bolt.WithJournal(1<<20))
	undo := s.HookWrites(func(int64, func() (int, error)) (int, error) { return 0, errBroken })
	requireNotSaved(t, s.Save(t.Context(), newRecord("", "the journal cannot be begun")), syscall.EIO)
	undo()
	saved := newRecord("alice", "saved")
	save(t, s, saved)
	undo = s.HookWrites(func(int64, func() (int, error)) (int, error) { return 0, errBroken })
	large := newRecord("", string(bytes.Repeat([]byte("large"), 100<<10)))
	requireNotSaved(t, s.Save(t.Context(), large), syscall.EIO)
	lacks(t, s, large.ID)
	var refused error
	for refused == nil {
		r := newRecord("", string(make([]byte, 10_000)))
		if refused = s.Save(t.Context(), r); refused != nil {
			requireNotSaved(t, refused, syscall.EIO)
			lacks(t, s, r.ID)
			lacks(t, reopen(t, crash(t, s)), r.ID)
		}
	}
	requireNotSaved(t, s.Delete(t.Context(), saved.ID), syscall.EIO)
	holds(t, s, saved)
	undo()
	save(t, s, large)
	holds(t, reopen(t, crash(t, s)), saved, large)
}

// When journal and database fail together the error does not claim to know.
func TestOutcome_bothFail(t *testing.T) {
	s := bolt.Open(filepath.Join(t.TempDir(), "sessions.db"))
	save(t, s, newRecord("alice", "kept"))
	require.NoError(t, s.CloseFile())
	require.NoError(t, s.BreakJournal())
	err := s.Save(t.Context(), newRecord("", "lost?"))
	require.ErrorContains(t, err, "the outcome is not known")
	require.NotErrorIs(t, err, store.ErrNotSaved)
	require.Error(t, s.Close())
}

// On a database that belongs to the program nobody can look what became of a
// transaction, unless it failed for want of room.
func TestOutcome_sharedDatabase(t *testing.T) {
	s, db := share(t, nil)
	save(t, s, newRecord("", "first"))
	db.MaxSize = 1
	large := newRecord("", string(make([]byte, 4<<20)))
	err := s.Save(t.Context(), large)
	requireNotSaved(t, err, store.ErrFull)
	require.ErrorContains(t, err, "maximum size")
	lacks(t, s, large.ID)
	db.MaxSize = 0
	require.NoError(t, db.Close())
	require.True(t, errors.Is(s.Save(t.Context(), newRecord("", "")), store.ErrClosed))
}

// While one of the meta pages cannot be read nobody takes the other one for the newer.
func TestNewestTransaction_unreadable(t *testing.T) {
	s := open(t, bolt.WithJournal(0))
	save(t, s, newRecord("alice", "kept"))
	b, err := os.ReadFile(s.Path())
	require.NoError(t, err)
	_, err = bolt.NewestTransaction(bytes.NewReader(b))
	require.NoError(t, err)
	for page := range int64(2) {
		_, err := bolt.NewestTransaction(unreadable{bytes.NewReader(b), page})
		require.ErrorIs(t, err, syscall.EIO)
	}
}

// An unreadable file fails where a page begins.
type unreadable struct {
	io.ReaderAt
	page int64
}

func (u unreadable) ReadAt(b []byte, at int64) (int, error) {
	if at/int64(os.Getpagesize()) == u.page {
		return 0, errBroken
	}
	return u.ReaderAt.ReadAt(b, at)
}
