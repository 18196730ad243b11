package bolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// An image is the bytes of a database whose pages have a size of imagePage: so
// small that few records make trees of several levels.
type image []byte

const imagePage = 1024

var order = binary.NativeEndian

func (m image) page(id int) []byte { return m[id*imagePage : (id+1)*imagePage] }
func (m image) pages() int         { return int(order.Uint64(m.meta()[40:])) }

// meta returns the newest meta page, without its head.
func (m image) meta() []byte {
	first, second := m.page(0)[16:80], m.page(1)[16:80]
	if order.Uint64(second[48:]) > order.Uint64(first[48:]) {
		return second
	}
	return first
}

// free returns which pages are free, or of the free list.
func (m image) free() map[int]bool {
	list := int(order.Uint64(m.meta()[32:]))
	free := map[int]bool{}
	for i := range 1 + int(order.Uint32(m.page(list)[12:])) {
		free[list+i] = true
	}
	for i := range int(order.Uint16(m.page(list)[10:])) {
		free[int(order.Uint64(m[list*imagePage+16+8*i:]))] = true
	}
	return free
}

// used returns the pages in use of a kind: 1 is a branch and 2 a leaf.
func (m image) used(kind uint16) (ids []int) {
	free := m.free()
	for id := 2; id < m.pages(); id++ {
		if !free[id] && order.Uint64(m.page(id)) == uint64(id) && order.Uint16(m.page(id)[8:]) == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// find returns the leaf that has a key, of any bucket, and the bytes that are stored
// under it.
func (m image) find(key []byte) (leaf int, value []byte) {
	for _, id := range m.used(2) {
		page := m[id*imagePage:]
		for i := range int(order.Uint16(page[10:])) {
			head := page[16+16*i:]
			k := head[order.Uint32(head[4:]):]
			n := order.Uint32(head[8:])
			if bytes.Equal(k[:n], key) {
				return id, k[n:][:order.Uint32(head[12:])]
			}
		}
	}
	return 0, nil
}

func (m image) value(key []byte) []byte {
	_, value := m.find(key)
	return value
}

// sum puts the checksum of the newest meta page right.
func (m image) sum() {
	sum := fnv.New64a()
	sum.Write(m.meta()[:56])
	order.PutUint64(m.meta()[56:], sum.Sum64())
}

// emptyFile makes an empty database with pages of some size.
func emptyFile(t testing.TB, o bbolt.Options) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bolt-*")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path = filepath.Join(dir, "sessions.db")
	o.Timeout = time.Second
	db, err := bbolt.Open(path, 0o600, &o)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return path
}

// smallImage returns a database that has seen changes, and what is in it. Some
// of the records are those that a manager keeps for itself.
func smallImage(t *testing.T, sessions int) (m image, want map[store.ID]store.Record) {
	t.Helper()
	path := emptyFile(t, bbolt.Options{PageSize: imagePage})
	s := bolt.Open(path, bolt.WithJournal(0))
	want = map[store.ID]store.Record{}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range sessions {
		r := newRecord(fmt.Sprint("user ", i%10), strings.Repeat(fmt.Sprint("data ", i), 1+i%9))
		r.ID = store.NewID(began.Add(time.Duration(i) * time.Minute))
		if i%20 == 0 {
			r = store.Record{ID: store.ID{6: byte(i >> 8), 7: byte(i), 15: 1}, Version: 1, Data: []byte("reserved")}
		}
		save(t, s, r)
		if i%3 == 0 {
			r.Version, r.Data = 2, []byte(fmt.Sprint("changed ", i))
			save(t, s, r)
		}
		want[r.ID] = r
		gone := newRecord("gone", strings.Repeat("gone", 20))
		gone.ID = store.NewID(began.Add(time.Duration(i) * time.Minute))
		save(t, s, gone)
		require.NoError(t, s.Delete(t.Context(), gone.ID))
	}
	large := newRecord("large", strings.Repeat("large ", 700)) // of several pages
	save(t, s, large)
	want[large.ID] = large
	require.NoError(t, s.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	m = image(b)
	return m[:m.pages()*imagePage], want
}
