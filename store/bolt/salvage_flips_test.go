package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// A ruin counts what is left of damaged files.
type ruin struct {
	files, salvaged, empty int
	records                int // that could be read
	doubtful               int // records that were dropped
}

func (n ruin) String() string {
	return fmt.Sprintf("%d files, %d of them salvaged, %d of these empty", n.files, n.salvaged, n.empty)
}

// open opens a damaged file, and returns what is wrong with what it holds: all that can
// be read must be the newest version of a record that was not deleted.
func (n *ruin) open(t *testing.T, path string, want map[store.ID]store.Record, opts ...bolt.Option) error {
	n.files++
	aside := ""
	s := bolt.Open(path, append(opts, bolt.WithSalvage(func(r bolt.Salvage) {
		n.salvaged++
		n.doubtful += r.Dropped
		if r.Empty != nil {
			n.empty++
		}
		aside = r.Path
	}))...)
	defer s.Close()
	var version *bolt.VersionError
	if errors.As(s.Err(), &version) {
		return nil // it is not for this program to say what is wrong with that
	}
	if s.Err() != nil {
		return s.Err()
	}
	for got, err := range s.List(t.Context(), "") {
		if err != nil && aside == "" {
			continue // a damaged record of a file that was not salvaged
		}
		right := want[got.ID]
		if err != nil || got.Version != right.Version || got.Owner != right.Owner || !bytes.Equal(got.Data, right.Data) {
			return fmt.Errorf("%+v (%v), and not %+v", got, err, right)
		}
		n.records++
	}
	if aside != "" {
		return os.Remove(aside)
	}
	return nil
}

// changedImage returns a database in which a third of the records were deleted at once,
// and another third changed, so that its free pages are full of them.
func changedImage(t *testing.T, sessions int) (m image, want map[store.ID]store.Record) {
	t.Helper()
	m, want = smallImage(t, sessions)
	s := openAt(t, write(t, m))
	for i, id := range sorted(want) {
		r := want[id]
		switch i % 3 {
		case 0:
			require.NoError(t, s.Delete(t.Context(), id))
			delete(want, id)
		case 1:
			r.Version++
			r.Data = fmt.Append(nil, "changed again ", i)
			save(t, s, r)
			want[id] = r
		}
	}
	require.NoError(t, s.Close())
	b, err := os.ReadFile(s.Path())
	require.NoError(t, err)
	m = image(b)
	return m[:m.pages()*imagePage], want
}

// TestLong_salvage turns more and more bytes of a file in which records were changed and
// deleted. What is rescued is right and alive; how much it is, the test tells. In an ordinary
// run it tries 2,000 files, with GIMLET_LONG=1 100,000.
func TestLong_salvage(t *testing.T) {
	whole, want := changedImage(t, 400)
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	path := write(t, nil)
	for _, k := range []int{1, 3, 10, 30, 100} {
		var n ruin
		began := time.Now()
		for range long(400, 20_000) {
			b := bytes.Clone(whole)
			for range k {
				b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
			}
			require.NoError(t, os.WriteFile(path, b, 0o600))
			require.NoError(t, n.open(t, path, want))
		}
		percent := 100 * float64(n.records) / float64(n.files*len(want))
		t.Logf("figures: of %d bytes %d turned: %.1f %% of %d records can be read; %v, %v",
			len(whole), k, percent, len(want), n, time.Since(began).Round(time.Millisecond))
		if k == 1 {
			// It is 99 percent. One file in 130 comes out empty, and under the race detector there are 20 files.
			require.Greater(t, percent, 60.0)
		}
	}
}

// The free pages of that file are full of records that are right and dead: to take
// whatever has a right checksum would bring them back.
func TestLong_salvage_Control(t *testing.T) {
	m, want := changedImage(t, 400)
	back := map[string]bool{}
	for id := range m.free() {
		page := m[id*imagePage:]
		for i := range int(min(order.Uint16(page[10:]), 60)) {
			head := page[16+16*i:]
			at, keySize, size := order.Uint32(head[4:]), order.Uint32(head[8:]), order.Uint32(head[12:])
			if keySize != 16 || int(at+keySize+size) > len(head) {
				continue
			}
			key := store.ID(head[at:])
			_, err := bolt.Decode(key, head[at+keySize:][:size])
			version, _ := binary.Uvarint(head[at+keySize+1:])
			if _, alive := want[key]; err == nil && !alive || err == nil && version != want[key].Version {
				back[key.String()] = true
			}
		}
	}
	t.Logf("figures: %d dead records or versions in the free pages, beside %d that are alive", len(back), len(want))
	require.NotEmpty(t, back)
}
