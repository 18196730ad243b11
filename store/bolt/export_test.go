package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/gimlet-go/gimlet/store"
)

// What the tests, which are in a package of their own, need of this one.

// CompactClosed is Compact as it works on systems where open files cannot be
// renamed.
func (s *Store) CompactClosed(ctx context.Context) error {
	return s.compactWith(ctx, s.exchangeClosed)
}

// CompactUnsynced is Compact whose rename cannot be made durable before mend is
// called.
func (s *Store) CompactUnsynced(ctx context.Context) (mend func(), err error) {
	return s.unsynced(ctx, s.exchange)
}

// CompactClosedUnsynced is the same for CompactClosed.
func (s *Store) CompactClosedUnsynced(ctx context.Context) (mend func(), err error) {
	return s.unsynced(ctx, s.exchangeClosed)
}

func (s *Store) unsynced(ctx context.Context, exchange func(*opening) error) (mend func(), err error) {
	real := s.real
	err = s.compactWith(ctx, func(next *opening) error {
		err := exchange(next)
		s.real = filepath.Join(real, "is no", "directory")
		return err
	})
	return func() { s.real = real }, err
}

// Pending returns how many touches wait to be written.
func (s *Store) Pending() int { return s.overlay.waiting() }

// CloseFile closes the file under the store, so that each commit fails.
func (s *Store) CloseFile() error { return s.file.Close() }

// SwapFile makes the store use another handle for all that bbolt does not do,
// and returns the one before. No call may be under way.
func (s *Store) SwapFile(f *os.File) (old *os.File) {
	old, s.file = s.file, f
	return old
}

// MapAnew does what is done when the memory map was lost. No call may be under way.
func (s *Store) MapAnew() error { return s.remap(s.db) }

// LimitSize bounds the size of the file, 0 is no bound, and returns the bound
// before. No call may be under way.
func (s *Store) LimitSize(n int) (old int) {
	old, s.db.MaxSize = s.db.MaxSize, n
	return old
}

// NewestTransaction returns the number of the newest transaction in a file.
func NewestTransaction(r io.ReaderAt) (uint64, error) {
	m, err := newestMeta(r)
	return m.txid, err
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

// Hold stops the writer until the returned function is called.
func (s *Store) Hold() (release func()) { return s.hold(s.queue) }

func (s *Store) hold(queue chan *request) (release func()) {
	held, free, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.submitTo(context.Background(), queue, &request{job: func() error {
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

// HoldCommit stops the writer while it decides its next group, together with the
// changes that wait when begin is called.
func (s *Store) HoldCommit() (inside <-chan struct{}, release func()) {
	c := pausing{make(chan struct{}), make(chan struct{})}
	s.queue <- &request{change: c, ctx: context.Background(), done: make(chan struct{}, 1)}
	return c.inside, func() { close(c.free) }
}

type pausing struct{ inside, free chan struct{} }

func (c pausing) key() store.ID { return store.ID{} }
func (c pausing) size() int     { return 0 }

func (c pausing) apply(*decision) error {
	close(c.inside)
	<-c.free
	return nil
}

// Limits that the tests go to.
const (
	QueueLength = queueLength
	MaxPending  = maxPending
	MaxVisits   = maxVisits
	ListChunk   = listChunk
	MaxStep     = maxStep
)

// SweepVisits returns how many records one transaction of a sweep looks at.
func (s *Store) SweepVisits() int { return s.sweepVisits() }

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

// HoldDatabase stops whoever writes the database until release is called.
func (s *Store) HoldDatabase() (release func()) { return s.hold(s.work) }

// SaveSlowly saves a record, and stops the writer after the sync of the journal and
// before anybody sees the record, until release is called.
func (s *Store) SaveSlowly(r store.Record) (synced <-chan struct{}, release func()) {
	inside, free := make(chan struct{}), make(chan struct{})
	job := func() error {
		list := []move{{r.ID, newState(r.Version, millis(r.Expires), newDraft(r.Owner, r.Data))}}
		end, err := s.journal.append(s.journal.frame(list))
		close(inside)
		<-free
		if err == nil {
			s.overlay.publish(list, end)
		}
		return err
	}
	s.queue <- &request{job: job, ctx: context.Background(), done: make(chan struct{}, 1)}
	return inside, func() { close(free) }
}

// Journal is where the journal of a store is.
func Journal(path string) string { return path + journalSuffix }

// JournalBase is where its ring begins.
const JournalBase = journalBase

// Frames returns where the frames of a journal lie, in the order of their
// positions, and where they end.
func Frames(b []byte) (frames [][2]int64, err error) {
	id, size, err := readHeader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	at := map[int64][2]int64{}
	var order []int64
	for o := int64(journalBase); o < int64(len(b)); o += frameAlign {
		if frame, position, ok := parseFrame(b[o:], id); ok && (o-journalBase)%size == position%size {
			at[position] = [2]int64{o, o + int64(len(frame))}
			order = append(order, position)
		}
	}
	slices.Sort(order)
	for _, position := range order {
		frames = append(frames, at[position])
	}
	return frames, nil
}

// Used returns how much of the journal waits to be moved.
func (s *Store) Used() int64 { return s.journal.used() }

// BreakJournal lets the next append fail: the handle of the journal is closed.
func (s *Store) BreakJournal() error { return s.journal.file.Close() }

// Memory returns about how many bytes wait in memory.
func (s *Store) Memory() int64 { return s.overlay.size() }

// JournalHeader encodes the header of a journal.
func JournalHeader(id [16]byte, size int64) []byte { return encodeHeader(id, size) }

// Frame encodes a frame in which the first record is saved, the second is gone and the
// third was touched.
func Frame(id [16]byte, position int64, saved, gone, touched store.Record) []byte {
	state := func(r store.Record) *state {
		return newState(r.Version, millis(r.Expires), newDraft(r.Owner, r.Data))
	}
	var j journal
	b := j.frame([]move{
		{saved.ID, state(saved)}, {gone.ID, &stateGone}, {touched.ID, state(touched).touch(millis(touched.Expires))},
	})
	finishFrame(b, id, position)
	return b
}

// Mark encodes where a database stands in its journal.
func Mark(id [16]byte, position int64) []byte { return mark{id, position}.encode() }

// FrameOf puts entries, whatever they are, into a frame.
func FrameOf(id [16]byte, position int64, entries []byte) []byte {
	b := append(make([]byte, frameHeader), entries...)
	finishFrame(b, id, position)
	return b
}

var stateGone = state{gone: true}

// HookWrites makes every write of the database go through fn, which may call next
// to do it. No call may be under way.
func (s *Store) HookWrites(fn func(offset int64, next func() (int, error)) (int, error)) (undo func()) {
	field := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	write := (*func([]byte, int64) (int, error))(field.Addr().UnsafePointer()) // bbolt has it for its own tests
	old := *write
	*write = func(b []byte, offset int64) (int, error) {
		return fn(offset, func() (int, error) { return old(b, offset) })
	}
	return func() { *write = old }
}

// LeaveFrame writes to the disk the frame that the next append will write, and
// lets that append fail, as when only the sync has failed.
func (s *Store) LeaveFrame(records ...store.Record) error {
	var list []move
	for _, r := range records {
		list = append(list, move{r.ID, newState(r.Version, millis(r.Expires), newDraft(r.Owner, r.Data))})
	}
	b := new(journal).frame(list)
	at := s.journal.place(int64(len(b)))
	finishFrame(b, s.journal.id, at)
	_, err := s.journal.file.WriteAt(b, journalBase+at%s.journal.size)
	return errors.Join(err, s.journal.file.Close())
}

// Fail ends the store as a fault would.
func (s *Store) Fail(err error) { _ = s.failure.set(err) }

// ShrinkWhile compacts the file as it is done automatically, and calls fn in its
// middle.
func (s *Store) ShrinkWhile(ctx context.Context, fn func()) error {
	return s.submitTo(ctx, s.work, &request{job: func() error {
		return s.compact(s.exchange, func() error {
			fn()
			return s.ready(ctx)
		})
	}})
}

// Stopped is closed when nobody writes any more.
func (s *Store) Stopped() <-chan struct{} { return s.stopped }

// Closed is closed when Close begins.
func (s *Store) Closed() <-chan struct{} { return s.closing }

// WorkWaiting returns how many requests wait for whoever writes the database.
func (s *Store) WorkWaiting() int { return len(s.work) }
