package bolt

import (
	"fmt"
	"time"
)

// An Option changes a default of [Open] or [New]. The last one of a kind wins.
type Option func(*options) error

type options struct {
	lockTimeout   time.Duration
	closeTimeout  time.Duration
	touchInterval time.Duration
	prefix        string
	journal       int64
	autoCompact   bool
	salvage       func(Salvage)
	network       bool // whether a network file system will do
	filesystem    func(path string) (network string)
	unverified    bool // for tests alone: see what comes of it
}

func buildOptions(opts []Option) (options, error) {
	o := options{
		lockTimeout:   2 * time.Second,
		closeTimeout:  10 * time.Second,
		touchInterval: time.Second,
		prefix:        "gimlet",
		journal:       16 << 20,
		autoCompact:   true,
		filesystem:    networkFilesystem,
	}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return o, fmt.Errorf("bolt: %w", err)
		}
	}
	return o, nil
}

// WithLockTimeout sets how long [Open] waits for another process to give up
// the file before it fails with [ErrLocked]. The default is 2 seconds, enough
// for a restart in which the new process starts before the old one has ended.
// It must be more than zero: a store never waits for ever.
func WithLockTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("WithLockTimeout(%v): must be more than zero", d)
		}
		o.lockTimeout = d
		return nil
	}
}

// WithCloseTimeout sets how long [Store.Close] waits for the disk before it gives up
// with [ErrStuck]. The default is 10 seconds: less than service managers commonly
// leave a program to end. It must be more than zero: a store never waits for ever.
//
// What takes time is to move into the file what is in the journal alone. Should a slow
// disk not be through with it, nothing that was acknowledged is lost: the next Open moves
// the rest.
func WithCloseTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("WithCloseTimeout(%v): must be more than zero", d)
		}
		o.closeTimeout = d
		return nil
	}
}

// WithAutoCompact sets whether the file is compacted by itself: when more than
// half of it, and more than 8 MiB, is free. It begins in a quiet moment, and requests
// go on meanwhile. The default is true. Until it is done the disk holds a second file;
// nothing begins unless the disk has room for two.
//
// It is without effect on a store without a journal: there it is left to
// [Store.Compact].
func WithAutoCompact(on bool) Option {
	return func(o *options) error {
		o.autoCompact = on
		return nil
	}
}

// WithSalvage has [Open] go on when the file, or its journal, is damaged: both are moved
// aside, under the name of the file with ".damaged-" and the time behind it, and what can
// be rescued is brought into a new file. Then report is called, before Open returns; it
// should tell somebody. Without this option, which is the default, Open fails with a
// [*CorruptError] and changes nothing. Nothing is ever overwritten or removed.
//
// A session that has ended must not come back, and the pages of a file are full of
// sessions that have. So a record is rescued only if its checksum is right and two of
// three agree that it is alive: the way to it from the root of the file, which must be
// sound, the list of free pages, and the index by expiry. And nothing at all is rescued
// if it may be lost what has ended a session: a part of the journal, or a record under
// an ID that is [store.ID.Reserved]. [Salvage.Empty] says so. It is then as if the
// program had been started without the file: with keys of your own (gimlet.WithKeys)
// give new ones, for sessions that live in a cookie alone and were revoked would be
// alive again.
//
// What else is in the file, of other stores or of the program, is not rescued. The disk
// must have room for the new file. A file that never was a database is left alone.
func WithSalvage(report func(Salvage)) Option {
	return func(o *options) error {
		if report == nil {
			return fmt.Errorf("WithSalvage: needs a function that tells somebody")
		}
		o.salvage = report
		return nil
	}
}

// WithNetworkFilesystem sets whether [Open] takes a file on a network file system
// (NFS, SMB and the like). The default is false: there a lock may not keep out other
// machines, so that two programs write at once and destroy the file; and when the
// network fails, what is read through the memory map ends the program. Set it only if
// one machine alone can reach the file, and the loss of all sessions is bearable.
//
// It is found out on Linux and macOS. A file system that a program implements (FUSE)
// is taken for a local one.
func WithNetworkFilesystem(allow bool) Option {
	return func(o *options) error {
		o.network = allow
		return nil
	}
}

// WithTouchInterval sets how long a Touch may wait in memory before it is
// written; a crash loses the touches of that time. The default is 1 second.
// It must be more than zero.
func WithTouchInterval(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("WithTouchInterval(%v): must be more than zero", d)
		}
		o.touchInterval = d
		return nil
	}
}

// WithPrefix sets what the names of the store's top-level buckets begin with,
// so that several stores can share one database. The default is "gimlet",
// which makes "gimlet.records" and so on. It must not be empty.
func WithPrefix(name string) Option {
	return func(o *options) error {
		if name == "" {
			return fmt.Errorf("WithPrefix: must not be empty")
		}
		o.prefix = name
		return nil
	}
}

// WithJournal sets how large the journal of a store that [Open] opens may grow,
// in bytes. The default is 16 MiB. A larger one takes longer bursts of changes
// before they must wait for the database, and more memory, up to twice its size;
// 0 is none: then each group of changes is a transaction of the database, which
// writes many times as much and syncs twice. It must be 0 or between 1 MiB and
// 1 GiB, and is rounded down to a multiple of 4096.
//
// What [New] returns has no journal: a program that shares its database decides
// when it is synced.
func WithJournal(size int64) Option {
	return func(o *options) error {
		if size != 0 && (size < minRing || size > maxRing) {
			return fmt.Errorf("WithJournal(%d): must be 0 or between %d and %d bytes", size, minRing, maxRing)
		}
		o.journal = size &^ 4095
		return nil
	}
}
