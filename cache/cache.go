// Package cache keeps records in memory in front of a store, so that reading
// a session that is in use costs no I/O and no decoding.
//
// [New] wraps any [store.Store] and is one itself. Within one process it is
// exactly as consistent as the store behind it: a Load that starts after a
// Save, Touch or Delete has returned sees its effect, and a deleted record is
// never seen again. This does not rest on the cache library underneath, which
// may drop, delay and reorder what it is given. Every hit is checked against a
// count of the writes; epoch.go says why that is enough.
//
// What other processes do to the same records is seen after [WithMaxAge] at
// the latest.
//
// What it keeps are the newest versions of records that exist. That a record
// does not exist is never cached.
package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/gimlet-go/gimlet/store"
)

// A Store is a read cache around another store. It is safe for concurrent use.
//
// It adds two methods to those of [store.Store]: [Store.View] and
// [Store.SaveShared] do what Load and Save do without copying the data.
type Store struct {
	inner   store.Store
	records *ristretto.Cache[uint64, *entry] // used only inside a stripe's gate
	largest int64                            // the cost above which a record is not kept
	maxAge  time.Duration
	seed    maphash.Seed
	epochs  epochs
	stripes [stripeCount]stripe
	closing sync.Once
}

var _ store.Store = (*Store)(nil)

// MinBytes is the least that [New] takes for the size of a cache.
const MinBytes = 64 << 10

// New returns a cache of maxBytes bytes in front of inner, and owns inner from
// then on: Close closes it. If New fails, inner is untouched and still the
// caller's.
//
// maxBytes bounds the records, each taken as its data and owner plus 320 bytes
// for keeping it. The cache itself needs another 1.1 MB and up to a tenth of
// maxBytes. A record that takes more than a sixteenth of maxBytes is not kept.
func New(inner store.Store, maxBytes int64, opts ...Option) (*Store, error) {
	if inner == nil {
		return nil, errors.New("cache: no store to wrap")
	}
	if maxBytes < MinBytes {
		return nil, fmt.Errorf("cache: a size of %d bytes: the least is %d", maxBytes, MinBytes)
	}
	o := options{maxAge: defaultMaxAge}
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	records, err := ristretto.NewCache(&ristretto.Config[uint64, *entry]{
		// Ten counters for each record that fits are advised; a record of
		// 300 bytes of data costs a little over 600.
		NumCounters: maxBytes / 64,
		MaxCost:     maxBytes,
		BufferItems: 64,
		// The cost of an entry says already what the library needs for it.
		IgnoreInternalCost: true,
		// Nothing is set to expire in the map, so there is nothing to look for
		// every few seconds: once an hour will do.
		TtlTickerDurationInSec: 2 * 60 * 60,
		// The keys are hashes. Should two IDs ever have the same, the one
		// kept last stands, and the comparison of IDs makes the other a miss.
		KeyToHash: func(h uint64) (key, conflict uint64) { return h, 0 },
	})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return &Store{
		inner:   inner,
		records: records,
		largest: maxBytes / 16,
		maxAge:  o.maxAge,
		seed:    maphash.MakeSeed(),
		epochs:  newEpochs(maxBytes),
	}, nil
}

// hash spreads the IDs over words, stripes and the library's shards. The seed
// is this cache's own, so nobody can aim at one of them.
func (s *Store) hash(id store.ID) uint64 {
	return maphash.Bytes(s.seed, id[:])
}

// List passes the call on. Records that are listed are not put in the cache:
// going through all sessions must not push out those in use.
func (s *Store) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return s.inner.List(ctx, owner)
}

// Sweep passes the call on. It removes only records that have expired, and
// these are no hits any more, so the cache need not be told.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.inner.Sweep(ctx, now, limit)
}

// Close closes the cache and the store behind it, in this order: from the
// moment Close begins nothing is answered from memory any more, and memory and
// goroutines are freed even if the inner store's Close fails or takes long.
// Only calls that are using the cache itself are waited for, never those that
// are inside the inner store; they finish, and keep nothing.
//
// Closing twice is nil; a second call waits for the first.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		for i := range s.stripes {
			s.stripes[i].gate.Close()
		}
		s.records.Close()
		err = s.inner.Close()
	})
	return err
}
