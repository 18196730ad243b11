package bolt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// changeProgram saves, touches and deletes from several goroutines for ever. It
// reports each save and each delete once it is acknowledged, and a delete also
// before it begins.
func changeProgram(args []string) {
	s := bolt.Open(args[0], bolt.WithJournal(1<<20), bolt.WithTouchInterval(10*time.Millisecond))
	report := func(what string, r store.Record, err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(what, r.ID, r.Version)
	}
	ctx := context.Background()
	for range 8 {
		go func() {
			for n := 0; ; n++ {
				r := newRecord("alice", "")
				for r.Version = 1; r.Version <= 4; r.Version++ {
					r.Data = changeData(r.ID, r.Version)
					report("saved", r, s.Save(ctx, r))
					r.Expires = r.Expires.Add(time.Minute)
					if err := s.Touch(ctx, r.ID, r.Expires); err != nil {
						report("", r, err)
					}
				}
				if n%3 == 0 {
					report("deleting", r, nil)
					report("deleted", r, s.Delete(ctx, r.ID))
				}
			}
		}()
	}
	select {}
}

func changeData(id store.ID, version uint64) []byte {
	return append(fmt.Appendf(nil, "version %d of %s", version, id), make([]byte, 2000)...)
}

// changes are what a program has reported.
type changes struct {
	saved   map[store.ID]uint64
	deleted map[store.ID]bool // false: perhaps
	bytes   int
}

// read takes note of a report, whole lines of which survive the program.
func (c *changes) read(t *testing.T, line string) {
	var what, id string
	var version uint64
	_, err := fmt.Sscan(line, &what, &id, &version)
	require.NoError(t, err, line)
	key, err := store.ParseID(id)
	require.NoError(t, err)
	if what == "saved" {
		c.saved[key] = max(c.saved[key], version)
		c.bytes += 2000
		return
	}
	c.deleted[key] = what == "deleted"
}

// verify requires that the store has what was acknowledged.
func (c *changes) verify(t *testing.T, s *bolt.Store) {
	listed := list(t, s, "alice")
	for id, version := range c.saved {
		deleted, perhaps := c.deleted[id]
		_, found := listed[id]
		r, err := s.Load(t.Context(), id)
		if deleted || perhaps && err != nil {
			require.ErrorIs(t, err, store.ErrNotFound)
			require.False(t, found)
			continue
		}
		require.NoError(t, err)
		require.True(t, found)
		require.GreaterOrEqual(t, r.Version, version)
		require.LessOrEqual(t, r.Version, version+1)
		require.True(t, bytes.Equal(changeData(id, r.Version), r.Data))
	}
}

// TestKill_smallRing kills a program whose changes go round a small ring, so that
// it dies in the midst of checkpoints as well. What it has acknowledged holds.
func TestKill_smallRing(t *testing.T) {
	path := filepath.Join(memoryDir(t), "sessions.db")
	c := changes{saved: map[store.ID]uint64{}, deleted: map[store.ID]bool{}}
	wrapped := 0
	for cycle := range 4 {
		cmd, lines := start(t, "change", path)
		c.bytes = 0
		for n := 0; n < 1000+90*cycle && lines.Scan(); n++ {
			c.read(t, lines.Text())
		}
		require.NoError(t, cmd.Process.Kill())
		rest(t, &c, lines)
		_ = cmd.Wait()
		if c.bytes > 1<<20 {
			wrapped++
		}
		if cycle%2 == 0 {
			verify(t, path) // before the journal is moved the database is sound too
		}
		s := bolt.Open(path)
		require.NoError(t, s.Err())
		c.verify(t, s)
		require.NoError(t, s.Close())
	}
	verify(t, path)
	require.Equal(t, 4, wrapped)
	require.Greater(t, len(c.saved), 700)
	require.Greater(t, len(c.deleted), 200)
}

// rest reads what the program has reported before it died.
func rest(t *testing.T, c *changes, lines *bufio.Scanner) {
	t.Helper()
	for lines.Scan() {
		c.read(t, lines.Text())
	}
}
