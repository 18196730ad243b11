// Package store is the contract between the session manager and the place
// where sessions are kept. It is to gimlet what database/sql/driver is to
// database/sql: programs use package gimlet, and only people who write a
// store read this page.
//
// A store keeps [Record]s under an [ID]. It knows nothing of cookies, values
// or encryption: [Record.Data] is opaque to it. The whole contract is the
// [Store] interface; there are no optional interfaces, so that a store can be
// wrapped (by a cache, by compression) without losing anything.
//
// The conformance suite in package storetest turns every sentence of the
// contract into a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.Open(…) })
//	}
package store

import (
	"context"
	"errors"
	"iter"
	"time"
)

// A Store persists records.
//
// # Who calls
//
// The session manager, and the layers that it puts around a store. Programs
// hand a Store to gimlet.New and do not call it themselves; from then on the
// manager owns it and closes it.
//
// # Concurrency
//
// All methods may be called from several goroutines at once. The operations
// on one ID are linearizable: each takes effect at one instant between its
// call and its return, and a Load that starts after a Save, Touch or Delete
// has returned sees its effect. A remote store that cannot give this for
// reads must document the bound within which it does.
//
// # Context
//
// A call whose context is done before it starts returns ctx.Err() and has no
// effect. A call whose context ends while it runs returns soon after, with an
// error that wraps ctx.Err(); whether a write took effect is then unknown to
// the caller. It takes effect whole or not at all, and may still do so after
// the call has returned.
//
// # Bytes
//
// The caller keeps the bytes that it passes in: a store must not hold on to
// [Record.Data] after Save has returned, nor change it. The caller owns the
// bytes that it gets: a store must return a copy that stays valid, and that
// may be modified, for as long as the caller likes. A slice of a memory map
// or of a pooled buffer must never be returned.
//
// # Expiry
//
// A record whose Expires is not the zero time has expired from that instant
// on, by the store's clock. An expired record does not exist for any method
// but Sweep: Load and List do not show it, Save and Touch do not revive it,
// and its ID may be inserted again. A zero Expires means that the record
// never expires. Stores may round Expires down to the millisecond, no more.
//
// # Errors
//
// A store reports the conditions below with the sentinels of this package,
// or with errors that wrap them, so that [errors.Is] finds them. Every other
// error means that the store failed, and that the outcome of a write is
// unknown: it has taken effect whole or not at all, and the next Load tells. A
// store that knows that a write had no effect and never will, also after a
// crash, says so by wrapping ErrNotSaved together with the cause. One that has
// failed for want of room, on its disk or within its limits, wraps ErrFull beside
// these.
//
//	ErrNotFound  the record does not exist or has expired
//	ErrConflict  Save: the stored version is not the expected one
//	ErrTooLarge  Save: the record is beyond what the store can hold, which is
//	             never below 1 MiB of data; nothing was written
//	ErrInvalid   Save: the record breaks a rule of [Record]; nothing was written
//	ErrCorrupt   what is stored cannot be trusted
//	ErrNotSaved  the store failed, and a Save, Touch or Delete had no effect
//	ErrFull      the store failed because there is no room
//	ErrClosed    the store was closed
type Store interface {
	// Load returns the record that is stored under id.
	//
	// It returns ErrNotFound when there is none or it has expired, and
	// ErrCorrupt when what is stored does not verify: a store never returns
	// a record that was saved under another ID, or with other bytes.
	Load(ctx context.Context, id ID) (Record, error)

	// Save stores r, if r.Version follows the version that is stored.
	//
	// With Version 1 it inserts: ErrConflict if a record is there already.
	// With Version n, n > 1, it replaces version n-1: ErrConflict if another
	// version is stored, ErrNotFound if none is (it was deleted or has
	// expired, and Save does not bring it back). The comparison and the write
	// are one atomic step. Data, Owner and Expires are replaced together; an
	// owner that changed moves the record in the owner's list. A store that
	// sends a request again, because an answer was lost, must not report its
	// own first attempt as a conflict.
	//
	// When Save returns nil the record is durable: it survives the process
	// and, where the store has a disk, the power. A store that cannot promise
	// this (memory) says so in its documentation.
	Save(ctx context.Context, r Record) error

	// Touch moves the expiry of a record, and nothing else: not its version,
	// owner or data. It may move it forward or back; a zero time means never.
	//
	// It returns ErrNotFound when the record does not exist or has expired:
	// Touch never revives. A store may gather touches and write them later,
	// and may lose in a crash what it has not written; it must not lose them
	// at Close. A Load or List in the same process sees the new expiry at once.
	Touch(ctx context.Context, id ID, expires time.Time) error

	// Delete removes the record, durably like Save. A record that does not
	// exist is no error. Once Delete has returned, no Save or Touch with an
	// older version brings the record back.
	Delete(ctx context.Context, id ID) error

	// List yields the live records of one owner, or all live records when
	// owner is "", in no particular order. It finds an owner's records by an
	// index: the cost follows the number of records yielded.
	//
	// It is not a snapshot: a record saved or deleted meanwhile may or may
	// not be seen, but none is yielded twice, and every record that was there
	// from start to end is yielded. No lock or transaction is held while the
	// caller's loop body runs, so the body may call any method. A record that
	// cannot be read is yielded as a Record with only its ID set, with
	// ErrCorrupt, and the listing goes on; after any other error it ends. An
	// ended context ends the listing with its error.
	List(ctx context.Context, owner string) iter.Seq2[Record, error]

	// Sweep removes up to limit records that had expired at now, durably, and
	// returns how many it removed; fewer than limit means that no more had
	// expired. Its cost follows what it removes: it finds them by an index
	// and never scans the living. It must not remove a record that a
	// concurrent Save or Touch has kept alive past now. A limit below 1
	// removes nothing. now never lies in the future of the store's clock. With
	// an error the number is of those that it had removed before.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)

	// Close writes what is pending and frees what the store holds. Calls that
	// are under way finish or fail with ErrClosed; later calls fail with
	// ErrClosed, List by yielding it. Closing twice is nil.
	Close() error
}

// A Record is what a store keeps.
type Record struct {
	// ID is the key. The zero ID is not valid.
	ID ID

	// Version counts the saves of this record, from 1. Save compares it.
	Version uint64

	// Expires is the end of the record's life; the zero time is never.
	Expires time.Time

	// Owner is whom List finds the record by; "" is nobody. At most
	// [MaxOwner] bytes, of any value.
	Owner string

	// Data is opaque to the store. Empty and nil are the same.
	Data []byte
}

// MaxOwner is the greatest length of [Record.Owner] in bytes. Every store
// takes owners up to this length.
const MaxOwner = 512

// Expired reports whether the record has expired at now.
func (r Record) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// Check returns an error that wraps [ErrInvalid] when r breaks a rule of its
// fields. Stores call it at the start of Save.
func (r Record) Check() error {
	switch {
	case r.ID == ID{}:
		return invalid("the zero ID")
	case r.Version == 0:
		return invalid("version 0: versions count from 1")
	case len(r.Owner) > MaxOwner:
		return invalid("an owner of more than 512 bytes")
	}
	return nil
}

func invalid(what string) error {
	return &invalidError{what}
}

type invalidError struct{ what string }

func (e *invalidError) Error() string { return ErrInvalid.Error() + ": " + e.what }
func (e *invalidError) Unwrap() error { return ErrInvalid }

// The conditions that every store reports alike. See [Store].
var (
	ErrNotFound = errors.New("store: record not found")
	ErrConflict = errors.New("store: version conflict")
	ErrTooLarge = errors.New("store: record too large")
	ErrInvalid  = errors.New("store: invalid record")
	ErrCorrupt  = errors.New("store: corrupt record")
	ErrNotSaved = errors.New("store: nothing was changed")
	ErrFull     = errors.New("store: no room")
	ErrClosed   = errors.New("store: closed")
)
