package gimlet

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// A recall remembers main cookies that were opened a moment ago, and what was
// in them: a browser sends the same cookie with each of its requests, and to
// compare it costs a fraction of opening and reading it. Only what has opened gets in, and
// only when it comes for the second time, so that what clients send decides
// nothing but which of the genuine ones are remembered.
//
// Whether the key is still good is asked each time, by who uses it.
type recall struct {
	once  sync.Once
	seed  maphash.Seed
	slots []recallSlot
}

// recallSlots is how many envelopes are remembered: the busiest ones, with less
// than a KiB each as a rule.
const recallSlots = 4096

type recallSlot struct {
	seen   atomic.Uint64 // the mark of the last one that was opened
	opened atomic.Pointer[openedEnvelope]
}

// An openedEnvelope is never changed: all requests that bring its text share it.
type openedEnvelope struct {
	mark     uint64
	text     string
	plain    []byte
	by       uint32 // the ring key
	readable bool   // and the rest is what plain says
	read     payload
	digest   digest // of its secret
}

// find returns what was in an envelope, or nil. The texts are compared only if
// their hashes are alike, whose seed nobody knows: so how long that takes tells
// nothing of what others have sent.
func (r *recall) find(mark uint64, text string) *openedEnvelope {
	o := r.slot(mark).opened.Load()
	if o != nil && o.mark == mark && o.text == text {
		return o
	}
	return nil
}

// keep remembers an envelope that has opened, if it did so before.
func (r *recall) keep(mark uint64, text string, plain []byte, by uint32) {
	slot := r.slot(mark)
	if slot.seen.Swap(mark) != mark || len(text) > maxCookie {
		return
	}
	o := &openedEnvelope{mark: mark, text: strings.Clone(text), plain: plain, by: by}
	if o.read.read(plain) == nil {
		o.readable, o.digest = true, o.read.token.secret.digest()
	}
	slot.opened.Store(o)
}

// mark is a hash of a text. It is called before all else.
func (r *recall) mark(text string) uint64 {
	r.once.Do(func() { r.seed, r.slots = maphash.MakeSeed(), make([]recallSlot, recallSlots) })
	return maphash.String(r.seed, text)
}

func (r *recall) slot(mark uint64) *recallSlot { return &r.slots[mark%recallSlots] }
