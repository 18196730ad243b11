package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// What is flipped is a byte of a file.
type flipped struct {
	at   int
	with byte // what the byte is combined with, by exclusive or
}

// flips returns all single bits of all bytes, and all bits of each at once, in a random
// order.
func flips(size int, seed uint64) (all []flipped) {
	for at := range size {
		for bit := range 8 {
			all = append(all, flipped{at, 1 << bit})
		}
		all = append(all, flipped{at, 0xff})
	}
	random := rand.New(rand.NewPCG(seed, 1))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// long chooses between how much an ordinary run tries, and how much a long one. Under
// the race detector it is little.
func long(ordinary, much int) int {
	switch {
	case os.Getenv("GIMLET_LONG") == "1":
		return much
	case raceEnabled:
		return ordinary / 20
	}
	return ordinary
}

// A trial opens damaged files and tells what must not come of it.
type trial struct {
	path  string
	want  map[store.ID]store.Record
	gone  []store.ID // what must not come back
	opts  []bolt.Option
	tally tally
	runs  int
}

type tally struct{ refused, served, incomplete atomic.Int64 }

func (n *tally) String() string {
	return fmt.Sprintf("%d files refused, %d served whole, %d served in part", n.refused.Load(), n.served.Load(), n.incomplete.Load())
}

// run opens the file and uses it. It returns what went wrong: a value that nobody
// saved, or an error that says nothing.
func (c *trial) run() error {
	s := bolt.Open(c.path, c.opts...)
	defer s.Close()
	if err := s.Err(); err != nil {
		c.tally.refused.Add(1)
		return explained(err)
	}
	missing := 0
	ctx := context.Background()
	for id, want := range c.want {
		got, err := s.Load(ctx, id)
		if err := c.right(got, want, err); err != nil {
			return err
		}
		if err != nil {
			missing++
		}
	}
	for _, id := range c.gone {
		if got, err := s.Load(ctx, id); err == nil {
			return fmt.Errorf("%+v is back", got)
		}
	}
	for got, err := range s.List(ctx, "") {
		if err := c.right(got, c.want[got.ID], err); err != nil {
			return err
		}
	}
	if missing > 0 {
		c.tally.incomplete.Add(1)
	} else {
		c.tally.served.Add(1)
	}
	if c.runs++; c.runs%2 == 0 {
		return nil // to write takes longer than all else
	}
	return c.change(s)
}

// right returns why what was read is wrong. An error is right.
func (c *trial) right(got, want store.Record, err error) error {
	switch {
	case err != nil:
		return explained(err)
	case !got.Expires.Equal(want.Expires) || got.Version != want.Version || got.Owner != want.Owner || !bytes.Equal(got.Data, want.Data):
		return fmt.Errorf("%s is %+v, and was saved as %+v", got.ID, got, want)
	}
	return nil
}

// change writes, so that bbolt divides pages, joins them and gives them back.
func (c *trial) change(s *bolt.Store) error {
	ctx := context.Background()
	fresh := newRecord("alice", "fresh")
	err := s.Save(ctx, fresh)
	if err == nil {
		got, err := s.Load(ctx, fresh.ID)
		if err := c.right(got, fresh, err); err != nil {
			return err
		}
	}
	for id := range c.want {
		err = errors.Join(err, s.Delete(ctx, id))
		break
	}
	_, swept := s.Sweep(ctx, time.Now().Add(24*time.Hour), 1000) // takes nearly all at once
	return errors.Join(explained(err), explained(swept))
}

// explained returns err if it is none of those that damage may lead to.
func explained(err error) error {
	var version *bolt.VersionError
	switch {
	case err == nil, errors.Is(err, bolt.ErrDamaged), errors.As(err, &version):
		return nil
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrNotFound):
		return nil
	}
	return fmt.Errorf("an error that does not tell of damage: %w", err)
}

// flipAll tries all of the flips, each on a file of its own, and returns what went wrong.
func flipAll(t *testing.T, c *trial, all []flipped, write func(path string, f flipped) error) (wrong []string) {
	t.Helper()
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan flipped)
	for range 2 {
		dir := memoryDir(t)
		workers.Go(func() {
			own := &trial{path: filepath.Join(dir, "sessions.db"), want: c.want, gone: c.gone, opts: c.opts}
			for f := range next {
				err := write(own.path, f)
				if err == nil {
					err = own.run()
				}
				if err != nil {
					mu.Lock()
					wrong = append(wrong, fmt.Sprintf("%+v: %v", f, err))
					mu.Unlock()
				}
			}
			c.tally.refused.Add(own.tally.refused.Load())
			c.tally.served.Add(own.tally.served.Load())
			c.tally.incomplete.Add(own.tally.incomplete.Load())
		})
	}
	for _, f := range all {
		next <- f
	}
	close(next)
	workers.Wait()
	return wrong
}

// TestLong_flips alters single bytes of a database: 16,000 in an ordinary run, all
// of them, about 200,000, with GIMLET_LONG=1. Open refuses the file, or what it
// serves is what was saved.
func TestLong_flips(t *testing.T) {
	whole, want := smallImage(t, 60)
	all := flips(len(whole), rand.Uint64())
	all = all[:min(long(16_000, len(all)), len(all))]
	c := &trial{want: want, opts: []bolt.Option{bolt.WithJournal(0)}}
	began := time.Now()
	wrong := flipAll(t, c, all, func(path string, f flipped) error {
		b := bytes.Clone(whole)
		b[f.at] ^= f.with
		return os.WriteFile(path, b, 0o600)
	})
	t.Logf("figures: %d flips in %d pages, %v, %v", len(all), whole.pages(), &c.tally, time.Since(began).Round(time.Millisecond))
	require.Empty(t, wrong)
	require.NotZero(t, c.tally.refused.Load())
	require.NotZero(t, c.tally.incomplete.Load())
}

// TestLong_flipsOfACrash does the same to what a crash has left, where a part of what was
// saved is in the journal alone: to 2,000 bytes of each of the two files, or to all of
// the journal's and 50,000 of the database's. What was deleted stays so.
//
// Only in the last frame of the journal may damage look like the end of what the
// crashed process has written: what that has saved may be missing.
func TestLong_flipsOfACrash(t *testing.T) {
	db, journal, want, gone := crashedImage(t)
	for name, test := range map[string]struct {
		files [2][]byte
		much  int
	}{
		"database": {[2][]byte{db, journal}, 50_000},
		"journal":  {[2][]byte{journal, db}, 9 * len(journal)},
	} {
		t.Run(name, func(t *testing.T) {
			all := flips(len(test.files[0]), rand.Uint64())
			all = all[:min(long(2000, test.much), len(all))]
			c := &trial{want: want, gone: gone}
			began := time.Now()
			wrong := flipAll(t, c, all, func(path string, f flipped) error {
				b := bytes.Clone(test.files[0])
				b[f.at] ^= f.with
				first, second := path, bolt.Journal(path)
				if name == "journal" {
					first, second = second, first
				}
				return errors.Join(os.WriteFile(first, b, 0o600), os.WriteFile(second, test.files[1], 0o600))
			})
			t.Logf("figures: %d flips, %v, %v", len(all), &c.tally, time.Since(began).Round(time.Millisecond))
			require.Empty(t, wrong)
			require.NotZero(t, c.tally.refused.Load()+c.tally.incomplete.Load())
		})
	}
}

// crashedImage returns what a crash has left of both files, what is in them, and what
// was deleted.
func crashedImage(t *testing.T) (db image, journal []byte, want map[store.ID]store.Record, gone []store.ID) {
	t.Helper()
	db, want = smallImage(t, 40)
	s := openAt(t, write(t, db))
	for id, r := range want {
		r.Version++
		switch {
		case len(gone) < 5:
			require.NoError(t, s.Delete(t.Context(), id))
			delete(want, id)
			gone = append(gone, id)
		case r.Version%2 == 0:
			r.Data = []byte("changed in the journal")
			save(t, s, r)
			want[id] = r
		}
	}
	last := newRecord("alice", "the last change")
	save(t, s, last)
	want[last.ID] = last
	db, journal, frames := crashed(t, s)
	require.Greater(t, len(frames), 20)
	return db[:db.pages()*imagePage], journal[:frames[len(frames)-1][1]], want, gone
}

// Without the checksums of the records the test above would find other values than
// those that were saved: here each is made to fit the damaged record.
func TestLong_flips_Control(t *testing.T) {
	whole, want := smallImage(t, 60)
	c := &trial{want: want, opts: []bolt.Option{bolt.WithJournal(0)}}
	ids := slices.Collect(maps.Keys(want))
	var all []flipped
	for i := range ids {
		all = append(all, flipped{i, 1})
	}
	wrong := flipAll(t, c, all, func(path string, f flipped) error {
		b := bytes.Clone(whole)
		id := ids[f.at]
		stored := image(b).value(id[:])
		stored[len(stored)-5] ^= f.with // the last byte of its data
		copy(stored, bolt.Resum(id, stored))
		return os.WriteFile(path, b, 0o600)
	})
	require.Len(t, wrong, len(all))
}
