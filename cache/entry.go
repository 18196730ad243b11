package cache

import (
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// An entry is what the cache remembers of a record. It never changes, and
// neither do the bytes of its data: readers share them.
type entry struct {
	label  uint64    // see epochs
	asOf   time.Time // the record was read or written after this; its age counts from here
	record store.Record
}

func newEntry(r store.Record, label uint64, asOf time.Time) *entry {
	// Without spare capacity an append by one reader cannot write into what
	// another reader sees.
	r.Data = slices.Clip(r.Data)
	return &entry{label: label, asOf: asOf, record: r}
}

// hit reports whether e, which may be nil, answers for id at now, when the
// word of id is word.
func (e *entry) hit(id store.ID, word uint64, now time.Time, maxAge time.Duration) bool {
	return e != nil && (e.label == word || !checksChanges) && e.record.ID == id &&
		now.Sub(e.asOf) < maxAge && !e.record.Expired(now)
}

// entryCost is what a record takes beside its data and owner: the entry
// itself and what the library keeps for each.
const entryCost = 320

func cost(r store.Record) int64 {
	return entryCost + int64(cap(r.Data)) + int64(len(r.Owner))
}
