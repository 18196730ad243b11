package gimlet

import (
	"net/http"
	"strings"
	"time"
)

// An issue is what this response must do about the browser's cookies.
type issue struct {
	main      bool // send the session's cookie
	transient bool // send the one that ends with the browser
	forget    bool // make the browser forget what it has
	owed      bool // without this response's cookies a change is lost
	reseal    bool // what it has was sealed with an older ring key

	unannounced bool  // the session was begun and not yet saved
	seen        int64 // last use, as the cookie that it has says

	mainSeen      int // chunks that it has
	transientSeen int
}

// due reports whether the cookie must be sent again so that its idle deadline
// moves.
func (i *issue) due(h *head, now int64) bool {
	said := *h
	said.seen = i.seen
	return said.touchDue(now)
}

// payload returns what the session's cookie says of st.
func (s *Session) payload(st *state) payload {
	p := payload{head: st.head, token: s.token, client: st.values[clientPermanent]}
	p.set(flagPrevious|flagTagged, false)
	p.set(flagBound, false)
	if s.m.cfg.binding != nil && s.req != nil {
		p.set(flagBound, true)
		p.binding = s.bindingNow()
	}
	if st.has(flagStored) {
		p.seen = st.lastSeen()
	} else {
		p.server = st.values[serverPermanent]
	}
	return p
}

// transientPayload returns what the second cookie says of st, and whether
// there is anything to say.
func (s *Session) transientPayload(st *state) (transientPayload, bool) {
	p := transientPayload{id: s.token.id, client: st.values[clientTransient]}
	if len(st.values[serverTransient]) > 0 {
		p.tag = s.tag
		if !st.has(flagStored) {
			p.server = st.values[serverTransient]
		}
	}
	return p, len(p.client) > 0 || len(st.values[serverTransient]) > 0
}

// sizes returns the lengths of the sealed forms that st would have, with times
// as long as they can become: what fits now must fit when it is sent again.
func (s *Session) sizes(st *state) (main, transient int) {
	var room [256]byte // for most: nothing of it is kept
	kind := s.m.cookies
	p := s.payload(st)
	p.seen, p.renewed = p.ends, p.ends
	main = kind.main.sealer.size(len(p.append(room[:0])))
	if t, ok := s.transientPayload(st); ok {
		transient = kind.transient.sealer.size(len(t.append(room[:0])))
	}
	return main, transient
}

// wireSize is the size of the cookies that st would have, names and attributes
// included.
func (s *Session) wireSize(st *state) int {
	main, transient := s.sizes(st)
	return s.m.cookies.wireSize(main) + s.m.cookies.wireSize(transient)
}

// wireSize is the size of the cookies that carry a text of n bytes.
func (k *cookieKind) wireSize(n int) int {
	if n == 0 {
		return 0
	}
	return n + 1 + k.chunksFor(n)*k.overhead
}

// chunksFor is the number of cookies that carry a text of n bytes and the
// character that says how many there are.
func (k *cookieKind) chunksFor(n int) int {
	room := maxCookie - k.overhead
	return (n + 1 + room - 1) / room
}

// writeCookies adds the Set-Cookie headers that the response needs, and
// reports whether there were any.
func (s *Session) writeCookies(h http.Header) (bool, error) {
	if !s.issue.main && !s.issue.transient && !s.issue.forget {
		return false, nil
	}
	now := time.UnixMilli(s.m.now())
	kind := s.m.kindOf(s.req)
	before := len(h["Set-Cookie"])
	p := s.payload(&s.state)
	age := time.Duration(min(p.deadline()-now.UnixMilli(), maxLifetime.Milliseconds())) * time.Millisecond
	switch {
	case p.has(flagBrowser):
		age = 0
	case age <= 0: // SetLifetime has ended it
		s.issue.main, s.issue.forget = false, true
	}
	sent, err := 0, error(nil)
	switch {
	case s.live && s.issue.main:
		sent, err = s.send(h, kind, &kind.main, p.append(nil), now, age)
		kind.expire(h, &kind.main, sent, s.issue.mainSeen)
	case s.issue.forget:
		kind.expire(h, &kind.main, 0, s.issue.mainSeen)
	}
	if err != nil {
		return false, err
	}
	sent = 0
	if t, ok := s.transientPayload(&s.state); s.live && ok && s.issue.transient {
		sent, err = s.send(h, kind, &kind.transient, t.append(nil), now, 0)
	}
	if err == nil && (s.issue.transient || s.issue.forget) {
		kind.expire(h, &kind.transient, sent, s.issue.transientSeen)
	}
	n := len(h["Set-Cookie"]) - before
	s.m.stats.cookies.Add(uint64(n))
	return n > 0, err
}

// seal seals what the session says of itself, if the ring keys that it has it
// from are good still: what RevokeKeys has made worthless must not live on
// under a newer key. It looks at them last, so that no RevokeKeys comes
// between the look and the choice of the key that seals.
func (s *Session) seal(by *sealer, payload []byte, now time.Time) (string, error) {
	text, err := by.seal(payload, now)
	if err == nil && !s.m.ring.trusts(s.sealedBy, now) {
		return "", ErrGone
	}
	return text, err
}

func (s *Session) send(h http.Header, kind *cookieKind, names *cookieNames, payload []byte, now time.Time, age time.Duration) (int, error) {
	text, err := s.seal(names.sealer, payload, now)
	if err != nil {
		return 0, err
	}
	return kind.send(h, names, text, now, age)
}

// send adds the cookies that carry a sealed text, for age, or until the
// browser closes if age is 0. It returns their number.
func (k *cookieKind) send(h http.Header, names *cookieNames, text string, now time.Time, age time.Duration) (int, error) {
	n := k.chunksFor(len(text))
	if n > maxChunks {
		return 0, misuse("a cookie of %d bytes: %w", len(text), ErrTooLarge)
	}
	text = string(rune('0'+n)) + text
	room := maxCookie - k.overhead
	for i := range n {
		c := k.template
		c.Name = names.names[i]
		c.Value = text[:min(room, len(text))]
		text = text[len(c.Value):]
		if age > 0 {
			c.MaxAge = max(int(age/time.Second), 1)
			c.Expires = now.Add(age)
		}
		h.Add("Set-Cookie", c.String())
	}
	return n, nil
}

// expire makes the browser forget the chunks from one number up to another.
func (k *cookieKind) expire(h http.Header, names *cookieNames, from, to int) {
	for i := from; i < to; i++ {
		c := k.template
		c.Name = names.names[i]
		c.MaxAge = -1
		c.Expires = time.Unix(1, 0)
		h.Add("Set-Cookie", c.String())
	}
}

// forbidStoring keeps caches from storing a response that sets a cookie
// (OWASP session management, "Web Content Caching"). What would make a cache
// ignore that goes: must-understand (RFC 9111 section 5.2.2.3), and the fields
// that speak to some caches only (RFC 9213).
func forbidStoring(h http.Header) {
	h.Del("CDN-Cache-Control")
	h.Del("Surrogate-Control")
	var keep []string
	forbidden, overridden := false, false
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			name, _, qualified := strings.Cut(strings.ToLower(directive), "=")
			switch {
			case name == "must-understand":
				overridden = true
			case name == "no-store", name == "private" && !qualified:
				forbidden = true
			case name == "public", name == "s-maxage", name == "":
			default:
				keep = append(keep, directive)
			}
		}
	}
	if !forbidden || overridden {
		h.Set("Cache-Control", strings.Join(append(keep, "no-store"), ", "))
	}
}

// varyByCookie tells caches that the response depends on the cookie.
func (s *Session) varyByCookie(h http.Header) {
	lines := h["Vary"]
	if len(lines) == 0 {
		s.vary[0] = "Cookie"
		h["Vary"] = s.vary[:]
		return
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
