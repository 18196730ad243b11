package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// What the tests, which are in a package of their own, need of this one.

// CompactClosed is Compact as it works on systems where open files cannot be
// renamed.
func (s *Store) CompactClosed(ctx context.Context) error {
	return s.compactWith(ctx, s.exchangeClosed)
}

// CompactUnsynced is Compact whose rename cannot be made durable, for the
// reason err.
func (s *Store) CompactUnsynced(ctx context.Context, err error) error {
	exchange := s.exchangeOpen
	if !locksBeforeOpening {
		exchange = s.exchangeClosed
	}
	return s.compactWith(ctx, s.unsynced(exchange, err))
}

// CompactClosedUnsynced is the same for CompactClosed.
func (s *Store) CompactClosedUnsynced(ctx context.Context, err error) error {
	return s.compactWith(ctx, s.unsynced(s.exchangeClosed, err))
}

func (s *Store) unsynced(exchange func(*opening) error, err error) func(*opening) error {
	return func(next *opening) error {
		if err := exchange(next); err != nil {
			return err
		}
		return s.failure.set(err)
	}
}

// Pending returns how many touches wait to be written.
func (s *Store) Pending() int { return s.touches.count() }

// CloseFile closes the file under the store, so that each commit fails.
func (s *Store) CloseFile() error { return s.file.Close() }

// SwapFile makes the store use another handle for all that bbolt does not do,
// and returns the one before. No call may be under way.
func (s *Store) SwapFile(f *os.File) (old *os.File) {
	old, s.file = s.file, f
	return old
}

// LimitSize bounds the size of the file, 0 is no bound, and returns the bound
// before. No call may be under way.
func (s *Store) LimitSize(n int) (old int) {
	old, s.db.MaxSize = s.db.MaxSize, n
	return old
}

// Decode decodes a record and encodes it again.
func Decode(id store.ID, b []byte) ([]byte, error) {
	r, err := decodeRecord(id, b)
	if err != nil {
		return nil, err
	}
	return newDraft(r.owner, r.data).seal(id, r.version, r.expires, r.indexed), nil
}

// Resum returns the bytes of a record with the checksum put right.
func Resum(id store.ID, b []byte) []byte {
	if len(b) < sumSize {
		return b
	}
	body := b[:len(b)-sumSize]
	return binary.BigEndian.AppendUint32(body, checksum(id, body))
}

// Encode encodes a record that stands under indexed, in milliseconds, in the
// expiry index.
func Encode(r store.Record, indexed int64) []byte {
	return newDraft(r.Owner, r.Data).seal(r.ID, r.Version, millis(r.Expires), indexed)
}

// Check reports every way in which the records and the two indexes of a store
// disagree, and what bbolt finds wrong with the file.
func Check(db *bbolt.DB, prefix string) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			report("bbolt: %v", err)
		}
		names := namesFor(prefix)
		records, expiry, owners := tx.Bucket(names.records), tx.Bucket(names.expiry), tx.Bucket(names.owners)
		indexed, owned := 0, 0
		err := records.ForEach(func(k, v []byte) error {
			id := store.ID(k)
			r, err := decodeRecord(id, v)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if r.indexed != 0 {
				indexed++
				if expiry.Get(expiryKey(r.indexed, id)) == nil {
					report("%s is not in the expiry index", id)
				}
			}
			if len(r.owner) > 0 {
				owned++
				if owners.Get(ownerKey(r.owner, id)) == nil {
					report("%s is not in the owner index", id)
				}
			}
			return nil
		})
		if n := count(expiry); n != indexed {
			report("%d entries in the expiry index for %d records", n, indexed)
		}
		if n := count(owners); n != owned {
			report("%d entries in the owner index for %d records", n, owned)
		}
		return err
	})
	if err != nil {
		report("%v", err)
	}
	return problems
}

func count(b *bbolt.Bucket) (n int) {
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	return n
}

// A Failing change writes to its record and then fails.
type failing struct {
	id  store.ID
	err error
}

func (c failing) key() store.ID { return c.id }
func (c failing) size() int     { return 0 }

func (c failing) apply(t *txn) error {
	if err := t.put(c.id, nil, newDraft("", bytes.Repeat([]byte("half"), 10)), 1, 0, 0); err != nil {
		return err
	}
	return c.err
}

// FailHalfway makes a change that fails with err after its first write.
func (s *Store) FailHalfway(ctx context.Context, id store.ID, err error) error {
	return s.submit(ctx, &request{change: failing{id, err}})
}

// Hold stops the writer until the returned function is called.
func (s *Store) Hold() (release func()) {
	held, free, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.submit(context.Background(), &request{job: func() error {
			close(held)
			<-free
			return nil
		}})
	}()
	<-held
	return func() {
		close(free)
		<-ended
	}
}

// HoldCommit stops the writer inside its next transaction, together with the
// changes that wait when begin is called.
func (s *Store) HoldCommit() (inside <-chan struct{}, release func()) {
	c := pausing{make(chan struct{}), make(chan struct{})}
	s.post(c)
	return c.inside, func() { close(c.free) }
}

type pausing struct{ inside, free chan struct{} }

func (c pausing) key() store.ID { return store.ID{} }
func (c pausing) size() int     { return 0 }

func (c pausing) apply(t *txn) error {
	close(c.inside)
	<-c.free
	return nil
}

// Limits that the tests go to.
const (
	QueueLength = queueLength
	MaxPending  = maxPending
	SweepVisits = sweepVisits
	ListChunk   = listChunk
)

// Waiting returns how many requests are in the queue.
func (s *Store) Waiting() int { return len(s.queue) }

// Closing reports whether Close has begun.
func (s *Store) Closing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Strand leaves a touch behind for a state of the record that is not stored,
// as a failed commit may.
func (s *Store) Strand(id store.ID, expires time.Time) {
	s.touches.put(id, &touch{millis(expires), stamp{version: 1 << 60}})
}
