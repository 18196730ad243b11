package truth_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// turns are each bit of each byte, all bits of it, and zero in its place.
func turns(whole []byte, journal bool) (all []harm) {
	for at, b := range whole {
		for bit := range 8 {
			all = append(all, harm{Journal: journal, Kind: "turn", At: at, With: []byte{1 << bit}})
		}
		all = append(all, harm{Journal: journal, Kind: "turn", At: at, With: []byte{0xff}})
		if b != 0 {
			all = append(all, harm{Journal: journal, Kind: "set", At: at, With: []byte{0}})
		}
	}
	return all
}

// some are as many of them as the tier allows, in a random order.
func some(all []harm, quick, whole int) []harm {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), rig.Tier(quick, whole))]
}

// branches lead each way from each page that leads to others to every page.
func branches(whole []byte) (all []harm) {
	for at := 0; at < len(whole); at += smallPage {
		page := whole[at:]
		if binary.NativeEndian.Uint16(page[8:]) != 1 {
			continue
		}
		own := harm{Kind: "set", At: at + 16 + 8, With: binary.NativeEndian.AppendUint64(nil, uint64(at/smallPage))}
		all = append([]harm{own}, all...) // a page that leads to itself comes first
		for i := range int(binary.NativeEndian.Uint16(page[10:])) {
			for to := range uint64(len(whole) / smallPage) {
				all = append(all, harm{Kind: "set", At: at + 16 + 16*i + 8, With: binary.NativeEndian.AppendUint64(nil, to)})
			}
		}
	}
	return all
}

func cuts(whole []byte, journal bool) (all []harm) {
	for at := 0; at < len(whole); at += 512 {
		all = append(all, harm{Journal: journal, Kind: "cut", At: at})
	}
	return all
}

func smears(journal bool, n int) (all []harm) {
	for range n {
		all = append(all, harm{Journal: journal, Kind: "smear", Seed: rand.Uint64()})
	}
	return all
}

// smallPage is the size of pages that few records make trees of.
const smallPage = 1024

// closedStore returns a store that was closed, with pages that are used, free, and too
// small for a record.
func closedStore(t *testing.T) damaged {
	t.Helper()
	path := filepath.Join(rig.MemoryDir(t), "sessions.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: smallPage, Timeout: time.Second})
	require.NoError(t, err)
	require.NoError(t, db.Close())
	s := bolt.Open(path, bolt.WithJournal(0))
	d := damaged{Want: map[store.ID]store.Record{}}
	for i := range 60 {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: fmt.Sprint("user ", i%10), Expires: rig.FarAway}
		r.Data = []byte(strings.Repeat(fmt.Sprint("data ", i), 1+i%9))
		if i == 30 {
			r.Data = []byte(strings.Repeat("large ", 700)) // of several pages
		}
		d.save(t, s, r)
		if i%3 == 0 {
			r.Version, r.Data = 2, fmt.Append(nil, "changed ", i)
			d.save(t, s, r)
		}
		gone := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "gone", Expires: rig.FarAway, Data: []byte("gone")}
		d.save(t, s, gone)
		d.remove(t, s, gone.ID)
	}
	d.last(t, s)
	require.NoError(t, s.Close())
	d.Database = d.used(t, path)
	return d
}

// last saves what may be lost without anybody noticing: in a file with its newest meta
// page, and in a journal if it cannot be told from what a crash has cut off.
func (d *damaged) last(t *testing.T, s *bolt.Store) {
	t.Helper()
	d.save(t, s, store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: rig.FarAway, Data: []byte("the last change")})
}

// used returns the pages of a file that have ever been used.
func (d *damaged) used(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	pages := max(binary.NativeEndian.Uint64(b[16+40:]), binary.NativeEndian.Uint64(b[smallPage+16+40:]))
	return b[:pages*smallPage]
}

func (d *damaged) save(t *testing.T, s *bolt.Store, r store.Record) {
	t.Helper()
	require.NoError(t, s.Save(t.Context(), r))
	d.Want[r.ID] = r
}

func (d *damaged) remove(t *testing.T, s *bolt.Store, id store.ID) {
	t.Helper()
	require.NoError(t, s.Delete(t.Context(), id))
	delete(d.Want, id)
	d.Gone = append(d.Gone, id)
}

// crashedStore returns what a crash has left of a store: what was last changed in it is in
// the journal alone.
func crashedStore(t *testing.T) damaged {
	t.Helper()
	d := closedStore(t)
	d.Past = maps.Clone(d.Want)
	path := filepath.Join(rig.MemoryDir(t), "sessions.db")
	require.NoError(t, os.WriteFile(path, d.Database, 0o600))
	s := bolt.Open(path)
	n := 0
	for id, r := range d.Want {
		switch n++; {
		case n <= 4:
			d.remove(t, s, id)
		case n <= 16:
			r.Version++
			r.Data = []byte("changed in the journal")
			d.save(t, s, r)
		}
	}
	d.last(t, s)
	var err error
	d.Journal, err = os.ReadFile(path + "-journal")
	require.NoError(t, err)
	d.Database = d.used(t, path)
	require.NoError(t, s.Close())
	end := len(d.Journal)
	for d.Journal[end-1] == 0 {
		end--
	}
	d.Journal = d.Journal[:(end+511)/512*512]
	return d
}
