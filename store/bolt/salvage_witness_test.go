package bolt_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// stale returns the free pages that are leaves of records, in which records are whole.
func (m image) stale(t *testing.T) (pages map[int][]store.ID) {
	t.Helper()
	pages = map[int][]store.ID{}
	for id := range m.free() {
		page := m[id*imagePage:]
		if order.Uint64(page) != uint64(id) || order.Uint16(page[8:]) != 2 {
			continue
		}
		for i := range int(order.Uint16(page[10:])) {
			head := page[16+16*i:]
			at, keySize, size := order.Uint32(head[4:]), order.Uint32(head[8:]), order.Uint32(head[12:])
			if keySize != 16 || int(at+keySize+size) > len(head) {
				continue
			}
			key := store.ID(head[at:])
			if _, err := bolt.Decode(key, head[at+keySize:][:size]); err == nil {
				pages[id] = append(pages[id], key)
			}
		}
	}
	return pages
}

// An older version of a record, in a page that is free, does not take the place of the
// newest one when that is lost: the secret of a session that was renewed would open it
// again. The index names the record, but the free list names the page; and if it does
// not, because it is damaged as well, nothing was lost that the page could be.
func TestSalvage_olderVersions(t *testing.T) {
	m, want := changedImage(t, 800)
	old := map[store.ID]int{}
	for page, ids := range m.stale(t) {
		for _, id := range ids {
			old[id] = page
		}
	}
	tried := 0
	ids := sorted(want)
	for _, id := range ids[len(ids)/2:] { // the first ones share a branch with reserved IDs
		page := old[id]
		if want[id].Version == 1 || page == 0 || tried == 10 {
			continue
		}
		tried++
		lost := func(damage func(b image)) {
			b := image(bytes.Clone(m))
			breakLeaf(t, b, id[:])
			damage(b)
			s, _ := salvaged(t, write(t, b))
			only(t, s, want)
			lacks(t, s, id)
		}
		lost(func(image) {})
		lost(func(b image) { b.relist(page, 0) })
		for _, branch := range m.branches() {
			lost(func(b image) { b.relist(page, branch) })
		}
	}
	require.Equal(t, 10, tried)
}

// A page of deleted records that the free list does not name does not bring them back
// when a branch is lost: the index does not name them. Older versions in it do not win.
func TestSalvage_deletedRecords(t *testing.T) {
	m, want := changedImage(t, 800)
	tried := 0
	for page, dead := range m.stale(t) {
		if tried > 30 {
			break
		}
		for _, branch := range m.branches() {
			b := image(bytes.Clone(m))
			b.page(branch)[8] = 0xff
			b.relist(page, 0)
			s, report := salvaged(t, write(t, b))
			only(t, s, want)
			for _, id := range dead {
				if _, alive := want[id]; !alive && report.Empty == nil {
					lacks(t, s, id)
					tried++
				}
			}
		}
	}
	require.NotZero(t, tried)
}

// relist puts another number in the place of a page in the list of free pages, or takes
// it off for 0.
func (m image) relist(page, other int) {
	list := m.page(int(order.Uint64(m.meta()[32:])))
	count := int(order.Uint16(list[10:]))
	numbers := list[16 : 16+8*count]
	for i := range count {
		if int(order.Uint64(numbers[8*i:])) != page {
			continue
		}
		if order.PutUint64(numbers[8*i:], uint64(other)); other == 0 {
			copy(numbers[8*i:], numbers[8*i+8:])
			order.PutUint16(list[10:], uint16(count-1))
		}
		return
	}
}

// branches returns the branches of the tree of the records.
func (m image) branches() (ids []int) {
	for _, id := range m.used(1) {
		if order.Uint32(m.page(id)[20:]) == 16 { // the size of its first key
			ids = append(ids, id)
		}
	}
	return ids
}

// Leaves that no sound branch leads to any more are found, for the free list does not
// name them and the index names their records.
func TestSalvage_branch(t *testing.T) {
	m, want := changedImage(t, 800)
	require.Greater(t, len(m.branches()), 2, "branches below a branch")
	found := 0
	for _, branch := range m.branches() {
		b := image(bytes.Clone(m))
		b.page(branch)[8] = 0xff
		s, report := salvaged(t, write(t, b))
		if report.Empty != nil {
			require.ErrorContains(t, report.Empty, "who has signed out") // it led to reserved records
			continue
		}
		require.Equal(t, 1, report.Lost)
		require.Equal(t, len(want), only(t, s, want))
		found++
	}
	require.NotZero(t, found)
}
