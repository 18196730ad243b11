// Package compress stores the data of records compressed, where that pays.
//
// [New] wraps any [store.Store] and is one itself. The algorithm is zstd
// (RFC 8878), and S2 with a dictionary for data that is too short to shrink by
// itself. What is read back is checked: data that does not decompress to
// exactly what was saved is an error, and however it was damaged or forged,
// reading it costs bounded time and memory.
//
// # Dictionaries
//
// What a program saves for one visitor is much like what it saves for others.
// When 256 records of 64 bytes to 3 KiB were saved, a dictionary is made of
// what they have in common, by a goroutine that ends when that is done, within a
// fraction of a second. It is stored in the inner store before it is used, as two
// alike records under reserved IDs that never expire. Records of that size then take a
// third to a half of the space. When the data has become so different that the
// dictionary serves it badly, another one is made; the old one stays, for the
// records that need it, and there are never more than 32. A Store finds the
// dictionaries that there are: with the first record that needs one, or after
// 64 saves. No call waits for any of this, but a Load for the dictionary that
// its record needs.
//
// A dictionary outlives the records that it was made of. So it has only
// strings that occur, each as a whole, with a sixteenth of the people whose
// records were looked at, and with eight at least. A person is an owner, or a
// record without one. A string of 64 bytes is the longest.
//
// # What is stored
//
// The first byte of the inner record's data says what follows:
//
//	0x3C  the data as it is
//	0xA5  the length of the data as an unsigned varint, and one zstd frame
//	      with content checksum, no dictionary and a window of at most 1 MiB
//	0x69  the number of a dictionary as an unsigned varint, CRC-32C of the
//	      dictionary's SHA-256 and the data, and one S2 block
//
// Data as it is carries no checksum of its own: that a store returns the bytes
// that were saved is its contract. The codes differ in four bits each, so that
// it takes more than a flipped one to mistake one for the other.
package compress

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A Store compresses on the way into another store, and decompresses on the
// way out. It is safe for concurrent use.
type Store struct {
	inner   store.Store
	codec   *codec
	known   *known
	learner *learner // nil if no dictionaries are to be made or used
	counts  counts
	closing sync.Once
}

var _ store.Store = (*Store)(nil)

// New returns a Store around inner, and owns inner from then on: Close closes
// it. If New fails, inner is untouched and still the caller's.
func New(inner store.Store, opts ...Option) (*Store, error) {
	if inner == nil {
		return nil, errors.New("compress: no store to wrap")
	}
	o := defaults()
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c, err := newCodec(o)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	s := &Store{inner: inner, codec: c, known: newKnown(inner, c)}
	if o.dictionary && o.level != None {
		s.learner = newLearner(s.known)
	}
	return s, nil
}

// Load implements [store.Store]. Data that cannot be decompressed is
// ErrCorrupt.
func (s *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	r, err := s.inner.Load(ctx, id)
	if err != nil {
		return store.Record{}, err
	}
	if err := s.unpack(ctx, &r); err != nil {
		return store.Record{}, err
	}
	return r, nil
}

// Save implements [store.Store]. Data beyond [WithMaxSize] is ErrTooLarge.
func (s *Store) Save(ctx context.Context, r store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(r.Data) > s.codec.maxSize {
		return fmt.Errorf("compress: record %s: %w: %d bytes, the limit is %d",
			r.ID, store.ErrTooLarge, len(r.Data), s.codec.maxSize)
	}
	packed, err := s.codec.pack(r.Data, s.dictionary())
	if err != nil {
		return err
	}
	s.counts.saved(r.Data, packed)
	data := r.Data
	r.Data = packed
	if err := s.inner.Save(ctx, r); err != nil {
		return err
	}
	if s.learner != nil && len(data) >= minShort && len(data) < borderShort {
		r.Data = data
		s.learner.saved(r, len(packed))
	}
	return nil
}

// dictionary returns the one to compress with, or nil.
func (s *Store) dictionary() *dictionary {
	if s.learner == nil {
		return nil
	}
	return s.learner.current.Load()
}

// Touch passes the call on.
func (s *Store) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	return s.inner.Touch(ctx, id, expires)
}

// Delete passes the call on.
func (s *Store) Delete(ctx context.Context, id store.ID) error {
	return s.inner.Delete(ctx, id)
}

// List implements [store.Store]. A record whose data cannot be decompressed is
// yielded with only its ID set, with ErrCorrupt, and the listing goes on.
// Dictionaries are not yielded: they are nobody's.
func (s *Store) List(ctx context.Context, owner string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for r, err := range s.inner.List(ctx, owner) {
			if isDictionary(r.ID) {
				continue
			}
			if err == nil {
				err = s.unpack(ctx, &r)
				if err != nil {
					r = store.Record{ID: r.ID}
				}
			}
			if !yield(r, err) || err != nil && !errors.Is(err, store.ErrCorrupt) {
				return
			}
		}
	}
}

// Sweep passes the call on.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.inner.Sweep(ctx, now, limit)
}

// unpack replaces the data of r, which came from the inner store and is ours.
func (s *Store) unpack(ctx context.Context, r *store.Record) error {
	data, err := s.open(ctx, r.Data)
	if errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("compress: record %s: %w", r.ID, err)
	}
	r.Data = data
	return err
}

// open returns the data whose stored form is packed.
func (s *Store) open(ctx context.Context, packed []byte) ([]byte, error) {
	if len(packed) == 0 || packed[0] != formatShort {
		return s.codec.unpack(packed)
	}
	data, fresh, err := s.known.unpack(ctx, packed[1:])
	if fresh && s.learner != nil {
		s.learner.wake() // what was good enough for others may be so here
	}
	return data, err
}

// Close closes the compressor and then the store behind it, in the order in
// which calls pass through them. It waits for calls that are compressing or
// decompressing, never for those that are inside the inner store; when these
// come out, they fail with ErrClosed if zstd has something left to decompress.
// A dictionary that is being made is given up: what Close waits for then is at
// most a step of that, or a call to the inner store whose context has ended.
//
// Closing twice is nil; a second call waits for the first.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		if s.learner != nil {
			s.learner.close()
			defer s.learner.done.Wait()
		}
		s.codec.close()
		err = s.inner.Close()
	})
	return err
}
