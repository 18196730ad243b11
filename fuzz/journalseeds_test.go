package fuzz_test

import (
	"math"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A journalSeed is an input of FuzzJournal.
type journalSeed struct {
	position uint64
	as       byte // 0: entries in a frame, 1: the ring, 2: the file
	bytes    []byte
	fit      bool
}

// journalSeeds are entries of each kind, damage to them and to what is around
// them, and positions from the first to the last.
func journalSeeds() (seeds []journalSeed) {
	one, two, fresh := store.ID{0: 9, 15: 1}, store.ID{0: 9, 15: 2}, store.ID{0: 8, 15: 1}
	r := store.Record{ID: fresh, Version: 1, Expires: time.UnixMilli(far), Owner: "carol", Data: []byte("new")}
	large := r
	large.Data = make([]byte, 600) // not behind ringSize-512
	over := store.Record{ID: two, Version: 3, Expires: time.UnixMilli(far - 1), Owner: "alice", Data: []byte("over")}
	lives := [][]byte{
		nil,
		savedEntry(r),
		savedEntry(large),
		deletedEntry(one),
		deletedEntry(fresh),
		touchedEntry(one, 1, far+1),
		touchedEntry(one, 2, far+1),
		touchedEntry(one, 1, 0),
		touchedEntry(one, 1, 1),
		touchedEntry(fresh, 1, far),
		touchedEntry(one, 1, math.MaxInt64),
		touchedEntry(one, 1, math.MaxInt64+1),
		slices.Concat(savedEntry(r), touchedEntry(fresh, 1, far+1), deletedEntry(one), savedEntry(over)),
		slices.Concat(deletedEntry(two), savedEntry(over), touchedEntry(two, 3, 0), touchedEntry(two, 2, 1)),
		slices.Concat(savedEntry(r), deletedEntry(fresh), touchedEntry(fresh, 1, far)),
	}
	for _, entries := range lives {
		for _, position := range []uint64{0, 1, 512, ringSize - 20, ringSize - 512, 5*ringSize + 1024} {
			seeds = append(seeds, journalSeed{position: position, bytes: entries})
		}
	}
	all := slices.Concat(savedEntry(over), touchedEntry(two, 3, far+5), deletedEntry(one))
	for b := range damaged(all, 20) {
		seeds = append(seeds, journalSeed{bytes: b}, journalSeed{bytes: b, fit: true})
	}
	for _, body := range boltSeeds() {
		entry := slices.Concat([]byte{1}, damagedID[:], block(append(body, 0, 0, 0, 0)))
		seeds = append(seeds, journalSeed{bytes: entry, fit: true})
	}
	for _, position := range []uint64{math.MaxInt64 - ringSize, math.MaxInt64, 1 << 63, math.MaxUint64 - 512, math.MaxUint64} {
		seeds = append(seeds, journalSeed{position: position})
	}
	return append(seeds, aroundEntries(all)...)
}

// aroundEntries are rings and files, sound and damaged ones.
func aroundEntries(entries []byte) (seeds []journalSeed) {
	other := journalID
	other[0] = 0xff
	for b := range damaged(journalFrame(journalID, 0, entries), 20) {
		seeds = append(seeds, journalSeed{as: 1, bytes: b})
	}
	first := journalFrame(journalID, 0, nil)
	first = append(first, make([]byte, 512-len(first))...)
	for _, ring := range [][]byte{
		nil,
		make([]byte, 700),
		journalFrame(other, 0, entries),
		journalFrame(journalID, 512, entries),
		slices.Concat(first, journalFrame(journalID, 512, entries)),
		slices.Concat(first, journalFrame(journalID, 1024, entries)),
		slices.Concat(make([]byte, 512), journalFrame(journalID, 512, entries)),
		slices.Concat(first, make([]byte, 512), journalFrame(journalID, 1024, entries)),
	} {
		seeds = append(seeds, journalSeed{as: 1, bytes: ring}, journalSeed{position: 512, as: 1, bytes: ring})
	}
	for b := range damaged(journalHead(journalID, ringSize)[:40], 20) {
		seeds = append(seeds, journalSeed{as: 2, bytes: b})
	}
	for _, size := range []uint64{0, 512, ringSize - 512, ringSize + 1, 1 << 30, 1<<30 + 512, 1 << 63} {
		file := append(journalHead(journalID, size), journalFrame(journalID, 0, entries)...)
		seeds = append(seeds, journalSeed{as: 2, bytes: file})
	}
	return append(seeds, journalSeed{as: 2, bytes: journalHead(other, ringSize)})
}
