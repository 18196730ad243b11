package cache

import (
	"errors"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// epochs decides whether what the cache remembers is still true.
//
// # The protocol
//
// Each record belongs to one of many words, chosen by the hash of its ID. A
// word counts the writes that have begun on its records (its epoch, the upper
// 40 bits) and those of them that are in flight (the lower 24 bits).
//
//   - A write begins by adding one to both, before the inner store is called.
//     It ends by taking itself off the writes in flight, after the inner store
//     has returned, whatever it returned, and before the caller hears of it.
//   - An entry carries a label: a value of the word with no write in flight. A
//     read takes it before it asks the inner store. A write takes the value at
//     its own end, if no other write was in flight from its begin to its end.
//   - An entry is a hit if it has the ID that is asked for and its label is
//     what the word is now.
//
// # Why a hit is right
//
// Let s be the instant at which the label was taken, and t the later one at
// which the hit compares it with the word and finds them equal.
//
//  1. At s no write was in flight, because a label has none.
//  2. Between s and t no write began, because each raises the epoch, which
//     never falls. (It wraps after 2^40 writes; an entry would have to live
//     through all of them. 2^24 can be in flight at once.)
//  3. So every write had ended by s or begins after t, and nothing that went
//     through this cache changed the record in between.
//  4. An entry made by a read holds what the inner store answered between s
//     and t. An entry made by a write holds what that write stored, and no
//     other write came after it until s, for none was in flight then. An entry
//     made by a Touch is the one that was right when the Touch began, with the
//     expiry that it set, and again no other write came in between.
//
// So at t, an instant inside the call, the inner store would have answered the
// same. Nothing was assumed of the map that holds the entries: it may lose
// them, delay them, or bring old ones back, and that costs a miss.
//
// # Writes in doubt
//
// The argument needs that a write takes effect before it ends. One that fails
// otherwise than by a refusal may do so later: its context ended while it
// stood in a queue, or the answer of a server was lost. No labels are given
// for its word until that has become unlikely. If it takes effect even later,
// a record that was read in the meantime may be served until it reaches its
// maximum age, as with a change made by another process.
type epochs struct {
	words  []atomic.Uint64
	doubts []atomic.Uint32 // no labels until then, in seconds since start
	shift  int             // leaves those bits of a hash that number the words
	start  time.Time
}

const (
	oneFlight = uint64(1)
	oneEpoch  = uint64(1) << 24
	inFlight  = oneEpoch - 1
)

// newEpochs makes as many words as about fit records in a cache of maxBytes: a
// write to one record makes all others of its word misses too, and so they
// are few.
func newEpochs(maxBytes int64) epochs {
	width := max(16, bits.Len64(uint64(maxBytes)/512-1))
	return epochs{
		words:  make([]atomic.Uint64, 1<<width),
		doubts: make([]atomic.Uint32, 1<<width),
		shift:  64 - width,
		start:  time.Now(),
	}
}

// doubtTime is how long a write that failed may still take effect unseen.
const doubtTime = 10 * time.Second

func (e *epochs) word(h uint64) uint64 {
	return e.words[h>>e.shift].Load()
}

// begin must precede the call of the inner store. A write that never ends,
// because the inner store hangs or panics, leaves its word without labels: the
// reads of its records go to the inner store from then on.
func (e *epochs) begin(h uint64) (begun uint64) {
	return e.words[h>>e.shift].Add(oneEpoch + oneFlight)
}

// end follows the call of the inner store, which returned err. It returns what
// the word is then. If alone is true, no other write began or ended since
// begin, and the word may label the record that was written.
func (e *epochs) end(h, begun uint64, err error) (label uint64, alone bool) {
	if inDoubt(err) {
		// Before the write leaves, so that whoever sees it gone sees the doubt.
		until := time.Since(e.start) + doubtTime
		e.doubts[h>>e.shift].Store(uint32(until/time.Second) + 1)
	}
	ended := e.words[h>>e.shift].Add(^(oneFlight - 1))
	return ended, ended == begun-oneFlight
}

// labels reports whether word can be the label of a record that was read or
// written after now.
func (e *epochs) labels(h, word uint64, now time.Time) bool {
	seconds := uint32(now.Sub(e.start) / time.Second)
	return word&inFlight == 0 && seconds >= e.doubts[h>>e.shift].Load()
}

// inDoubt reports whether a write that returned err may yet take effect. The
// contract of a store names the errors that mean that nothing was written.
func inDoubt(err error) bool {
	return err != nil &&
		!errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) &&
		!errors.Is(err, store.ErrTooLarge) && !errors.Is(err, store.ErrInvalid)
}
