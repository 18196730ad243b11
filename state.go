package gimlet

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A flag says something about a session, in its record or its cookie.
type flag byte

const (
	// flagStored: the session has a record. In cookies only.
	flagStored flag = 1 << iota
	// flagBrowser: the cookie ends with the browser (SetPersistent(false)).
	flagBrowser
	// flagCarried: there were cookies of this session that say something
	// without its record: they carried values, or it had no record. Its end
	// must be remembered until no such cookie can be alive.
	flagCarried
	// flagBound: a binding follows. In cookies only.
	flagBound
	// flagPrevious: a previous secret follows. In records only.
	flagPrevious
	// flagTagged: the tag of a browser session follows. In records only.
	flagTagged
	// flagKept: the session has a record whatever its size (SetStored).
	flagKept

	flagsKnown = flagStored | flagBrowser | flagCarried | flagBound | flagPrevious | flagTagged | flagKept
)

// A head is what the manager knows of a session besides its values. It stands
// in the record and, so that it can be enforced without I/O, in the cookie.
// Times are in milliseconds since 1970.
type head struct {
	flags      flag
	generation uint64 // of RevokeAll; an older one is dead
	renewals   uint32 // of the token; cookies with fewer may be revoked
	created    int64
	started    int64 // last Login, or created
	renewed    int64 // when the secret was made
	seen       int64 // last use that was written down
	ends       int64 // absolute
	idle       int64 // timeout; 0 is none
}

func (h *head) has(f flag) bool { return h.flags&f != 0 }

func (h *head) set(f flag, on bool) {
	if on {
		h.flags |= f
	} else {
		h.flags &^= f
	}
}

// deadline is when the session ends if it is not used again.
func (h *head) deadline() int64 {
	if h.idle > 0 {
		return min(h.ends, h.seen+h.idle)
	}
	return h.ends
}

// touchDue reports whether a use at now should move the idle deadline. Within
// a tenth of the window it stays, so that reading does not mean writing. It is
// moved back, too, when a clock that was ahead has written the last use down:
// until its time has come again the session would not end for want of use.
func (h *head) touchDue(now int64) bool {
	return h.idle > 0 && (now-h.seen >= h.idle/10 && h.deadline() < h.ends || h.seen-now > h.idle/10)
}

// ahead reports whether the session seems to have begun, or its owner to have
// signed in, farther in the future than clocks of two servers may differ: it would
// end as much too late.
func (h *head) ahead(now int64) bool {
	return max(h.created, h.started) > now+maxSkew.Milliseconds()
}

// append writes the head: flags, generation, renewals, created, then the other
// times as distances from created, which makes most of them short.
func (h *head) append(dst []byte) []byte {
	dst = append(dst, byte(h.flags))
	dst = binary.AppendUvarint(dst, h.generation)
	dst = binary.AppendUvarint(dst, uint64(h.renewals))
	dst = appendMillis(dst, h.created)
	for _, t := range [...]int64{h.started, h.renewed, h.seen, h.ends} {
		dst = appendMillis(dst, t-h.created)
	}
	return appendMillis(dst, h.idle)
}

func (h *head) read(r *reader) {
	h.flags = flag(r.byte())
	if h.flags&^flagsKnown != 0 {
		r.bad = true
	}
	h.generation = r.uvarint()
	renewals := r.uvarint()
	if renewals >= revokedForever { // no revocation could be above it
		r.bad = true
	}
	h.renewals = uint32(renewals)
	h.created = r.millis()
	for _, t := range [...]*int64{&h.started, &h.renewed, &h.seen, &h.ends} {
		*t = h.created + r.millis()
	}
	h.idle = r.millis()
}

// A tag names one run of a browser: transient values in the record are seen
// only by requests that bring the tag, in a cookie that ends with the browser.
type tag [8]byte

// A state is a session as it is stored, in its record and in its cookies.
type state struct {
	head
	version uint64 // of the record; 0: there is none
	expires int64  // of the record, which Touch moves
	owner   string
	hash    digest
	prev    previous // in use if flagPrevious
	tag     tag      // zero: no transient values in the record
	values  [areas]frame

	// unseen are the transient values of another run of the browser than this
	// request's. A save keeps them, unless its own take their place.
	unseen struct {
		tag    tag
		values frame
	}
}

const recordFormat = 1

// record returns the stored form of s under id. See docs/format.md, "Records".
func (s *state) record(id store.ID) store.Record {
	h := s.head
	h.set(flagStored|flagBound, false)
	tag, transient := s.tag, s.values[serverTransient]
	if len(transient) == 0 {
		tag, transient = s.unseen.tag, s.unseen.values
	}
	h.set(flagTagged, len(transient) > 0)
	data := make([]byte, 0, 160+len(s.values[serverPermanent])+len(transient))
	data = append(data, recordFormat)
	data = h.append(data)
	data = append(data, s.hash[:]...)
	if h.has(flagPrevious) {
		data = append(data, s.prev.hash[:]...)
		data = appendMillis(data, s.prev.until)
		data = append(data, s.prev.box[:]...)
	}
	if h.has(flagTagged) {
		data = append(data, tag[:]...)
		data = appendBlock(data, transient)
	}
	data = append(data, s.values[serverPermanent]...)
	return store.Record{
		ID:      id,
		Version: s.version,
		Expires: time.UnixMilli(s.deadline()),
		Owner:   s.owner,
		Data:    data,
	}
}

// readRecord reads the stored form. The frames are slices of rec.Data.
func (s *state) readRecord(rec store.Record) error {
	r := reader{b: rec.Data}
	if r.byte() != recordFormat {
		return errMalformed
	}
	s.head.read(&r)
	r.into(s.hash[:])
	if s.has(flagPrevious) {
		r.into(s.prev.hash[:])
		s.prev.until = r.millis()
		r.into(s.prev.box[:])
	}
	s.tag = tag{}
	s.values[serverTransient] = nil
	if s.has(flagTagged) {
		r.into(s.tag[:])
		s.values[serverTransient] = frame(r.block())
	}
	s.values[serverPermanent] = frame(r.b)
	r.b = nil
	s.version = rec.Version
	s.owner = rec.Owner
	s.expires = rec.Expires.UnixMilli()
	return r.end()
}

// lastSeen is the last use that was written down, by a save or by a touch.
func (s *state) lastSeen() int64 {
	if s.idle > 0 {
		return max(s.seen, s.expires-s.idle)
	}
	return s.seen
}

// stale reports whether a use at now should move the expiry of the record, which may
// say something newer than the cookie, by a clock that was ahead too.
func (s *state) stale(now int64) bool {
	since := now - (s.expires - s.idle)
	return since >= s.idle/10 || -since > s.idle/10
}

// sameRecord reports whether the record of next would say nothing new.
func (s *state) sameRecord(next *state) bool {
	h := next.head
	h.seen = s.seen
	return h == s.head && next.owner == s.owner && next.hash == s.hash &&
		bytes.Equal(s.values[serverPermanent], next.values[serverPermanent]) &&
		bytes.Equal(s.values[serverTransient], next.values[serverTransient]) &&
		bytes.Equal(s.unseen.values, next.unseen.values)
}

// size is what WithMaxSize bounds.
func (s *state) size() int {
	n := len(s.unseen.values)
	for _, f := range s.values {
		n += len(f)
	}
	return n
}

// find returns the stored form of a key's value, and where it lives.
func (s *state) find(key string) ([]byte, area, bool) {
	for a := range areas {
		if enc, ok := s.values[a].get(key); ok {
			return enc, a, true
		}
	}
	return nil, 0, false
}
