package bolt_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// Whatever bbolt writes is sound: pages of any size, buckets of any size and
// depth, values over many pages, free lists of several pages or none.
func TestVerify_sound(t *testing.T) {
	for _, pageSize := range []int{1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		for _, unlisted := range []bool{false, true} {
			t.Run(fmt.Sprint(pageSize, unlisted), func(t *testing.T) {
				path := emptyFile(t, bbolt.Options{PageSize: pageSize})
				c := churn{random: rand.New(rand.NewPCG(uint64(pageSize), 1))}
				for range 2 {
					c.open(t, path, unlisted)
					b, err := os.ReadFile(path)
					require.NoError(t, err)
					require.NoError(t, bolt.Verify(b))
				}
				s := openAt(t, path)
				save(t, s, newRecord("alice", ""))
			})
		}
	}
}

// A churn does to a database whatever bbolt can do.
type churn struct{ random *rand.Rand }

func (c churn) open(t *testing.T, path string, unlisted bool) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: unlisted})
	require.NoError(t, err)
	for range 5 {
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte{byte('a' + c.random.IntN(6))})
			require.NoError(t, err)
			c.fill(t, b, 0)
			return nil
		}))
	}
	require.NoError(t, db.Close())
}

func (c churn) fill(t *testing.T, b *bbolt.Bucket, depth int) {
	for range c.random.IntN(200) {
		k := fmt.Appendf(nil, "%d", c.random.IntN(2000))
		switch {
		case c.random.IntN(3) == 0:
			if b.Bucket(k) == nil {
				require.NoError(t, b.Delete(k))
			}
		case c.random.IntN(40) == 0 && depth < 5:
			inner, err := b.CreateBucketIfNotExists(append([]byte("bucket"), k...))
			require.NoError(t, err)
			c.fill(t, inner, depth+1)
		case c.random.IntN(500) == 0:
			require.NoError(t, b.Put(k, make([]byte, c.random.IntN(600<<10))))
		case c.random.IntN(50) == 0:
			require.NoError(t, b.Put(bytes.Repeat([]byte("long"), 1+c.random.IntN(8192)), []byte("v")))
		default:
			require.NoError(t, b.Put(k, make([]byte, c.random.IntN(300))))
		}
	}
}

// More free pages than the head of a page can count.
func TestVerify_longFreelist(t *testing.T) {
	path := emptyFile(t, bbolt.Options{PageSize: imagePage})
	key, bucket := []byte("key"), []byte("bucket")
	raw(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(bucket)
		require.NoError(t, err)
		return b.Put(key, make([]byte, 0x10010*imagePage))
	})
	raw(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Delete(key) })
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	m := image(b)
	list := int(order.Uint64(m.meta()[32:]))
	require.EqualValues(t, 0xffff, order.Uint16(m.page(list)[10:]))
	require.NoError(t, bolt.Verify(m))
	for _, count := range []uint64{order.Uint64(m.page(list)[16:]) + 1000, 1 << 61, 1<<64 - 1} {
		damaged := bytes.Clone(b)
		order.PutUint64(image(damaged).page(list)[16:], count)
		require.ErrorContains(t, bolt.Verify(damaged), "more numbers than room")
	}
}

// Each of these makes bbolt read what it should not, or go round in circles.
func TestVerify_damage(t *testing.T) {
	whole, _ := smallImage(t, 300)
	require.NoError(t, bolt.Verify(whole))
	branches, leaves := whole.used(1), whole.used(2)
	require.Greater(t, len(branches), 1)
	root, list := int(order.Uint64(whole.meta()[16:])), int(order.Uint64(whole.meta()[32:]))
	branch, leaf := branches[0], leaves[len(leaves)/2]
	if leaf == root { // in which all values are buckets
		leaf = leaves[len(leaves)/2+1]
	}
	inMeta := func(at int, v uint64) func(m image) {
		return func(m image) { order.PutUint64(m.meta()[at:], v); m.sum() }
	}
	for name, test := range map[string]struct {
		damage func(m image)
		want   string
	}{
		"a branch that is its own child":     {func(m image) { order.PutUint64(m.page(branch)[24:], uint64(branch)) }, "belong elsewhere"},
		"a child that is free":               {func(m image) { order.PutUint64(m.page(branch)[24:], uint64(list)) }, "no part of a tree"},
		"a child beyond the end":             {func(m image) { order.PutUint64(m.page(branch)[24:], 1<<63) }, "there is no page"},
		"a child that is a meta page":        {func(m image) { order.PutUint64(m.page(branch)[24:], 1) }, "there is no page 1"},
		"an empty branch":                    {func(m image) { order.PutUint16(m.page(branch)[10:], 0) }, "no branch"},
		"a leaf of another number":           {func(m image) { order.PutUint64(m.page(leaf), 7777) }, "it is another page, 7777"},
		"a leaf that is a branch":            {func(m image) { order.PutUint16(m.page(leaf)[8:], 1) }, ""},
		"a leaf of no kind":                  {func(m image) { order.PutUint16(m.page(leaf)[8:], 3) }, "unknown kind"},
		"a leaf that is a free list":         {func(m image) { order.PutUint16(m.page(leaf)[8:], 16) }, "no part of a tree"},
		"a leaf that takes the next page":    {func(m image) { order.PutUint32(m.page(leaf)[12:], 1) }, "two uses"},
		"a leaf that goes on beyond the end": {func(m image) { order.PutUint32(m.page(leaf)[12:], 1<<32-1) }, "beyond the end"},
		"more elements than room":            {func(m image) { order.PutUint16(m.page(leaf)[10:], 0xffff) }, "more elements than room"},
		"an element elsewhere":               {func(m image) { order.PutUint32(m.page(leaf)[20:], 1<<31) }, "not where it should be"},
		"a key that is too long":             {func(m image) { order.PutUint32(m.page(leaf)[24:], 1<<31) }, "has a key of"},
		"no key":                             {func(m image) { order.PutUint32(m.page(leaf)[24:], 0) }, "has a key of"},
		"a value that is too long":           {func(m image) { order.PutUint32(m.page(leaf)[28:], 1<<32-1) }, "beyond the page"},
		"an unknown element":                 {func(m image) { order.PutUint32(m.page(leaf)[16:], 2) }, "no known kind"},
		"a value that is a bucket":           {func(m image) { order.PutUint32(m.page(leaf)[16:], 1) }, ""},
		"a bucket that is a value":           {func(m image) { order.PutUint32(m.page(root)[16:], 0) }, "not a bucket"},
		"the root beyond the end":            {inMeta(16, 1<<63), "there is no page"},
		"the root at the free list":          {inMeta(16, uint64(list)), "no part of a tree"},
		"the free list beyond the end":       {inMeta(32, 1<<62), "there is no page"},
		"the free list at a leaf":            {inMeta(32, uint64(leaf)), "it is not the free list"},
		"more pages than bytes":              {inMeta(40, uint64(whole.pages()+1)), "cut off"},
		"more pages than numbers":            {inMeta(40, 1<<63), "cut off"},
		"a free page that is used":           {func(m image) { order.PutUint64(m.page(list)[16:], uint64(leaf)) }, "two uses"},
		"a free page twice":                  {func(m image) { copy(m.page(list)[16:24], m.page(list)[24:32]) }, "two uses"},
		"a free page beyond the end":         {func(m image) { order.PutUint64(m.page(list)[16:], 1<<40) }, "there is no page"},
		"a free meta page":                   {func(m image) { order.PutUint64(m.page(list)[16:], 0) }, "there is no page 0"},
		"more free pages than room":          {func(m image) { order.PutUint16(m.page(list)[10:], 0xfffe) }, "more numbers than room"},
	} {
		t.Run(name, func(t *testing.T) {
			m := image(bytes.Clone(whole))
			test.damage(m)
			require.ErrorContains(t, bolt.Verify(m), test.want)
			path := write(t, m)
			var corrupt *bolt.CorruptError
			require.ErrorAs(t, bolt.Open(path).Err(), &corrupt)
			require.Equal(t, path, corrupt.Path)
			require.ErrorIs(t, corrupt, bolt.ErrDamaged)
			unlocked(t, path)
		})
	}
}

// The error says which page it is.
func TestVerify_namesThePage(t *testing.T) {
	m, _ := smallImage(t, 50)
	leaf := m.used(2)[1]
	order.PutUint16(m.page(leaf)[8:], 3)
	var corrupt *bolt.CorruptError
	require.ErrorAs(t, bolt.Open(write(t, m)).Err(), &corrupt)
	require.EqualValues(t, leaf, corrupt.Page)
	require.ErrorContains(t, corrupt, fmt.Sprintf("is damaged: page %d: ", leaf))
}

// Without the verifier such a file ends the program: a page that leads to itself is
// followed until the stack is full, and nothing in Go can stop that.
func TestVerify_Control(t *testing.T) {
	m, _ := smallImage(t, 60)
	for _, branch := range m.used(1) {
		for i := range int(order.Uint16(m.page(branch)[10:])) {
			order.PutUint64(m.page(branch)[24+16*i:], uint64(branch))
		}
	}
	path := write(t, m)
	require.ErrorIs(t, bolt.Open(path).Err(), bolt.ErrDamaged)
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), programEnv+"=trust")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "stack exceeds")
}

// trustProgram reads a file without having verified it.
func trustProgram(args []string) {
	debug.SetMaxStack(16 << 20)
	s := bolt.Open(args[0], bolt.Unverified())
	_, err := s.Load(context.Background(), store.ID{1})
	fmt.Println(s.Err(), err)
}
