package gimlet

import (
	"github.com/gimlet-go/gimlet/store"
)

// What is inside the envelopes. See docs/format.md, "Cookies".

const payloadFormat = 1

// A payload is what the cookie of a session says, or a token.
type payload struct {
	head
	token   token
	binding binding // in use if flagBound
	client  frame
	server  frame // of a session without a record
}

func (p *payload) append(dst []byte) []byte {
	dst = append(dst, payloadFormat)
	dst = p.head.append(dst)
	dst = append(dst, p.token.id[:]...)
	dst = append(dst, p.token.secret[:]...)
	if p.has(flagBound) {
		dst = append(dst, p.binding[:]...)
	}
	dst = appendBlock(dst, p.client)
	return append(dst, p.server...)
}

func (p *payload) read(b []byte) error {
	r := reader{b: b}
	if r.byte() != payloadFormat {
		return errMalformed
	}
	p.head.read(&r)
	r.into(p.token.id[:])
	r.into(p.token.secret[:])
	if p.has(flagBound) {
		r.into(p.binding[:])
	}
	p.client = frame(r.block())
	p.server = frame(r.b)
	r.b = nil
	if p.token.id.Reserved() || p.has(flagPrevious|flagTagged) {
		r.bad = true
	}
	return r.end()
}

// A transientPayload is what the second cookie says, which ends with the
// browser. It belongs to the session with the same ID.
type transientPayload struct {
	id     store.ID
	tag    tag
	client frame
	server frame // of a session without a record
}

func (p *transientPayload) append(dst []byte) []byte {
	dst = append(dst, payloadFormat)
	dst = append(dst, p.id[:]...)
	dst = append(dst, p.tag[:]...)
	dst = appendBlock(dst, p.client)
	return append(dst, p.server...)
}

func (p *transientPayload) read(b []byte) error {
	r := reader{b: b}
	if r.byte() != payloadFormat {
		return errMalformed
	}
	r.into(p.id[:])
	r.into(p.tag[:])
	p.client = frame(r.block())
	p.server = frame(r.b)
	r.b = nil
	return r.end()
}
