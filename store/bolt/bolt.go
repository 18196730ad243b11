// Package bolt keeps sessions in one file on disk.
//
//	m, err := gimlet.New(bolt.Open("sessions.db"))
//
// # Which constructor
//
// For most programs use [Open]: the store owns its file, creates it when it is
// missing and closes it. Use [New] when the program has a bbolt database open
// already and sessions are to live in it.
//
// # Durability
//
// When Save or Delete returns nil the change has been synced to the disk. All
// changes that wait share one sync, so that 64 writers cost hardly more than
// one. A Touch is kept in memory for a moment (see [WithTouchInterval]) and then
// written together with others.
//
// While the store is open a journal lies beside the file, "sessions.db-journal".
// A change is appended to it, which takes one small write and one sync, and
// moved into the database later, together with others and only as it is by then
// (see [WithJournal]). Close moves what is left and removes the journal: at rest
// there is one file. After a crash both files belong together, and Open moves
// what the journal has.
//
// # One process
//
// The file belongs to one process at a time. A second one gets [ErrLocked]
// after a short wait (see [WithLockTimeout]), a second store of the same process
// at once. On network file systems, where locks cannot be relied on, Open fails
// (see [WithNetworkFilesystem]).
//
// A file that is moved while it is open stays the store's: what is saved from then on is
// under its new name, without a journal. Once it was removed nothing can be saved in it:
// every save fails with [store.ErrNotSaved], touches are forgotten, and Close reports it.
//
// # Damage
//
// Open verifies the structure of the whole file before it is used, every record
// carries a checksum over its key and its bytes, and every access to the file is
// guarded: damage is reported as a [*CorruptError], and does not end the program
// or lead to wrong bytes, but for a page that is changed later, under the open
// store, so that it leads to itself. With [WithSalvage] Open goes on with what can be
// rescued. Damage that comes while the file is in use ends the store: every call
// reports it, and only Close is left to do.
//
// # A full disk
//
// What finds no room fails with [store.ErrFull] and changes nothing, unless the error is
// [store.ErrUncertain] as well: disks that promise more room than they have. Reads go on, and so
// do changes once there is room, without opening the store again. To open it may take
// room too, for what a crash has left in the journal: up to about twice its size.
//
// # Compatibility
//
// The file says the version of its format. Later versions of this package open
// every file that an earlier one wrote; an older program refuses a newer file
// with a [*VersionError].
package bolt

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// A Store keeps records in a bbolt file. It implements [store.Store] and is
// safe for concurrent use. Make one with [Open] or [New].
type Store struct {
	path    string // as the program gave it: for messages
	err     error  // why the store could not be opened: every method reports it
	options options
	buckets bucketNames
	owned   bool // whether Close closes db

	// gate is held for reading while a goroutine reads from db, and for
	// writing while Compact puts another one in its place.
	gate sync.RWMutex
	db   *bbolt.DB

	beginning sync.Mutex // held while a transaction that reads begins
	inBegin   bool       // whether one does, or panicked while it did; held by beginning

	naming sync.Mutex  // held while the file is replaced under its name
	file   *os.File    // the handle inside db, nil when the database is shared
	info   os.FileInfo // of file
	real   string      // the absolute path of file, links resolved

	queue      chan *request // for the writer
	work       chan *request // for whoever writes the database: the checkpointer or, without a journal, the writer
	wake       chan struct{} // has the checkpointer look
	overlay    overlay
	decision   decision      // of the writer
	crowd      int           // how many had asked the writer at the end of its last round
	journal    *journal      // nil: the writer commits each group to the database
	shrinkNext time.Time     // when to look again whether to compact
	shrinkWait time.Duration // after attempts that were given up
	follower   *follower     // the copy that is being made, of whoever writes the database
	unsure     bool          // a commit failed, and the meta page on the disk may differ from that in memory
	tight      bool          // there was no room: the file grows by no more than it must
	renamed    bool          // the file was exchanged, and its directory is not synced yet
	stats      counters

	closeOnce sync.Once
	closing   chan struct{}  // closed when Close begins
	written   chan struct{}  // closed when the writer has ended
	stopped   chan struct{}  // closed when the checkpointer has ended as well
	givenUp   chan struct{}  // closed when Close does not wait for them any longer
	waits     atomic.Bool    // whether a transaction that writes waits to begin
	unwritten error          // what went wrong at the end; set before stopped is closed
	retired   sync.WaitGroup // databases that Compact replaced and that are being closed
	failure   failure
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file at path, and creates it when it is missing
// or empty. The directory must exist. The file's mode is 0600.
//
// Open returns a store even when it fails, and the store keeps the error:
// every method, and gimlet.New, reports it. See [Store.Err] to ask for it.
// Errors that callers can tell apart are [ErrLocked], [*VersionError] and
// [*CorruptError]; all name the path.
func Open(path string, opts ...Option) *Store {
	s := newStore(path, opts)
	s.owned = true
	if s.err != nil {
		return s
	}
	info, err := s.openFile()
	if errors.Is(err, ErrDamaged) && errors.Is(err, syscall.EIO) {
		info, err = s.openFile() // what could not be read once may be readable
	}
	if errors.Is(err, ErrDamaged) && s.options.salvage != nil {
		err = s.salvage(err, info)
	}
	if s.err = known(err); err != nil {
		return s
	}
	if s.options.journal > 0 {
		s.journal = &journal{path: s.real + journalSuffix, size: s.options.journal}
		s.work = make(chan *request, queueLength)
	}
	s.run()
	return s
}

// openFile opens the file and moves into it what a crash has left. It returns which
// file it was.
func (s *Store) openFile() (os.FileInfo, error) {
	o := opening{path: s.path, names: s.buckets, options: s.options, trusted: s.options.unverified}
	if err := o.run(); err != nil {
		return o.info, err
	}
	s.db, s.file, s.info, s.real = o.db, o.file, o.info, o.real
	err := s.recover(o.stale)
	if err != nil {
		_, _ = protect(s.db.Close)
		_ = release(s.file) // if bbolt could not
	}
	return o.info, err
}

// salvage rescues what it can of a damaged file and opens it again.
func (s *Store) salvage(damage error, info os.FileInfo) error {
	o := opening{path: s.path, names: s.buckets, options: s.options}
	report, done, err := o.salvage(info)
	if err != nil {
		return fmt.Errorf("%w; it was not rescued: %w", damage, err)
	}
	if done {
		report.Damage = damage
		s.options.salvage(report)
	}
	s.failure = failure{}
	s.failure.init()
	_, err = s.openFile()
	return err
}

// New keeps the store in a database that the program has open, in top-level
// buckets of its own (see [WithPrefix]; a prefix is for one store at a time).
// Close leaves db open: the program closes it, after the store.
//
// How durable a change is, how long the file may be locked and how large it
// may grow are then as the program has opened db.
func New(db *bbolt.DB, opts ...Option) (*Store, error) {
	if db == nil || db.IsReadOnly() {
		return nil, errors.New("bolt: new: a store needs a database that is open for writing")
	}
	s := newStore(db.Path(), opts)
	if s.err != nil {
		return nil, s.err
	}
	s.db = db
	err := s.guard(func() error { return prepare(db, s.path, s.buckets) })
	if err == nil {
		err = s.refuseJournal()
	}
	if err != nil {
		return nil, fmt.Errorf("bolt: new on %s: %w", s.path, known(err))
	}
	s.run()
	return s, nil
}

// run starts the goroutines that write.
func (s *Store) run() {
	go s.write()
	if s.journal != nil {
		go s.checkpoint()
		return
	}
	go func() {
		defer close(s.stopped)
		<-s.written
		s.unwritten = s.flushTouches()
	}()
}

func newStore(path string, opts []Option) *Store {
	s := &Store{
		path:    path,
		queue:   make(chan *request, queueLength),
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		written: make(chan struct{}),
		stopped: make(chan struct{}),
		givenUp: make(chan struct{}),
	}
	s.work = s.queue
	s.failure.init()
	s.overlay.init()
	s.options, s.err = buildOptions(opts)
	s.buckets = namesFor(s.options.prefix)
	return s
}

// Path returns the path of the file, as it was given to [Open].
func (s *Store) Path() string { return s.path }

// Err returns why the store could not be opened, or nil.
func (s *Store) Err() error { return s.err }
