package gimlet

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// maxSkew is how far in the future a session may seem to have begun, when the
// clocks of two servers differ or one was set back.
const maxSkew = 48 * time.Hour

// presented is what a request has brought under the names of one cookie. Its
// size is fixed, whatever a client sends.
type presented struct {
	first  [4]string // different values under the first name
	n      int       // how many of them; one more than fit if there were more
	chunks [maxChunks]string
	seen   int             // highest chunk number, plus one
	twice  [maxChunks]bool // the chunk came with different values
}

func (p *presented) add(i int, value string) {
	p.seen = max(p.seen, i+1)
	if i > 0 {
		if value != "" { // an empty one is no part of anything
			p.twice[i] = p.twice[i] || p.chunks[i] != "" && p.chunks[i] != value
			p.chunks[i] = value
		}
		return
	}
	for _, other := range p.first[:min(p.n, len(p.first))] {
		if other == value {
			return
		}
	}
	if p.n < len(p.first) {
		p.first[p.n] = value
	}
	p.n = min(p.n+1, len(p.first)+1)
}

// scan collects the cookies of r that have our names. It allocates nothing.
func (k *cookieKind) scan(r *http.Request, main, transient *presented) {
	base := k.main.names[0]
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = strings.Trim(pair, " \t")
			if !strings.HasPrefix(pair, base) {
				continue
			}
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				continue
			}
			if i := k.main.index(name); i >= 0 {
				main.add(i, value)
			} else if i := k.transient.index(name); i >= 0 {
				transient.add(i, value)
			}
		}
	}
}

func (n *cookieNames) index(name string) int {
	for i := range n.names {
		if n.names[i] == name {
			return i
		}
	}
	return -1
}

// assemble puts the chunks behind first together. The number of chunks is the
// first character, bounded before anything is allocated.
func (p *presented) assemble(first string) (string, bool) {
	if first == "" || first[0] < '1' || first[0] > '0'+maxChunks {
		return "", false
	}
	n := int(first[0] - '0')
	if n == 1 {
		return first[1:], len(first) <= maxCookie
	}
	var b strings.Builder
	b.WriteString(first[1:])
	for i := 1; i < n; i++ {
		if p.chunks[i] == "" || p.twice[i] || b.Len() > maxAllBytes {
			return "", false
		}
		b.WriteString(p.chunks[i])
	}
	return b.String(), true
}

// open returns the payload of the one presented cookie that opens. With
// several that open, none counts: which one a sibling site has planted cannot
// be told.
func (n *cookieNames) open(ctx context.Context, p *presented, now time.Time) (good unsealed, reason Reason, err error) {
	reason = ReasonMalformed
	found := 0
	for _, first := range p.first[:min(p.n, len(p.first))] {
		text, ok := p.assemble(first)
		if !ok {
			continue
		}
		o, err := n.sealer.recall(ctx, text, now)
		switch err {
		case nil:
			good = o
			found++
		case errNotOurs:
		case errTampered:
			reason = ReasonTampered
		case errStaleKey:
			reason = ReasonStaleKey
		default:
			return unsealed{}, 0, err
		}
	}
	if found > 1 || p.n > len(p.first) {
		return unsealed{}, ReasonDuplicate, nil
	}
	if found == 1 {
		return good, 0, nil
	}
	return unsealed{}, reason, nil
}

// kindOf returns the cookies that belong to a request.
func (m *Manager) kindOf(r *http.Request) *cookieKind {
	if !m.cfg.cookie.Insecure && isLoopback(r) {
		return m.loopback
	}
	return m.cookies
}

// openCookies makes s the session that the request's cookies name, if any.
func (m *Manager) openCookies(s *Session) {
	if m.cfg.binding != nil {
		s.bindingNow() // before the handler can change the headers
	}
	var main, transient presented
	kind := m.kindOf(s.req)
	kind.scan(s.req, &main, &transient)
	s.issue.mainSeen, s.issue.transientSeen = main.seen, transient.seen
	if main.n == 0 {
		return
	}
	s.openedAt = m.now()
	now := time.UnixMilli(s.openedAt)
	o, reason, err := kind.main.open(s.ctx, &main, now)
	if err != nil {
		s.fail(err)
		return
	}
	var first payload
	p := &first
	switch {
	case reason != 0:
	case o.remembered != nil && o.remembered.readable:
		p = &o.remembered.read
	case p.read(o.plain) != nil:
		reason = ReasonMalformed
	}
	if reason == 0 {
		reason, err = m.admit(s, p, now)
	}
	if err != nil {
		s.fail(err)
		return
	}
	if reason != 0 {
		s.reject(reason, p.token.id, nil)
		s.overtaken = reason == ReasonRevoked && p.generation == m.generation.Load() && m.revoked.superseded(p.token.id, p.renewals) && m.renewed.has(p.token.id)
		return
	}
	m.stats.opened.Add(1)
	s.resume(p, o.by)
	s.remembered = o.remembered
	s.issue.reseal = o.by != m.ring.sealing(now).ID
	m.openTransient(s, kind, &transient, now)
	if s.moved(p) {
		s.settleIn()
	}
}

// admit decides whether a cookie or token that opened is a session, as far as
// that can be told without its record.
func (m *Manager) admit(s *Session, p *payload, now time.Time) (Reason, error) {
	ms := now.UnixMilli()
	if p.generation > m.generation.Load() {
		// Another process has revoked all sessions, and this one is newer.
		if err := m.refreshSoon(s.ctx, now); err != nil {
			return 0, err
		}
	}
	switch {
	case p.generation != m.generation.Load():
		return ReasonRevoked, nil
	case ms >= p.deadline():
		return ReasonExpired, nil
	case p.ahead(ms):
		return ReasonFuture, nil
	case m.revoked.blocks(p.token.id, p.renewals, ms):
		return ReasonRevoked, nil
	}
	if m.cfg.bindingAction == BindingRefuse && s.moved(p) {
		return ReasonBinding, nil
	}
	return 0, nil
}

// resume takes over what a cookie or token says that a ring key has sealed.
func (s *Session) resume(p *payload, by uint32) {
	s.opened, s.live = true, true
	s.sealedBy[0] = by
	s.token = p.token
	s.state.head = p.head
	s.state.set(flagBound, false)
	s.state.expires = p.deadline()
	s.state.values[clientPermanent] = p.client
	if !p.has(flagStored) { // else the record says it
		s.state.hash = p.token.secret.digest()
		s.state.values[serverPermanent] = p.server
	}
	s.issue.seen = p.seen
}

// openTransient adds what the second cookie says, if it belongs to the session.
func (m *Manager) openTransient(s *Session, kind *cookieKind, p *presented, now time.Time) {
	if p.n == 0 {
		return
	}
	o, reason, err := kind.transient.open(s.ctx, p, now)
	if err != nil {
		s.fail(err)
		return
	}
	var t transientPayload
	if reason == 0 && t.read(o.plain) != nil {
		reason = ReasonMalformed
	}
	if reason != 0 {
		s.reject(reason, s.token.id, nil)
		return
	}
	if t.id != s.token.id {
		return // of a session before this one
	}
	s.tag = t.tag
	s.sealedBy[1] = o.by
	s.state.values[clientTransient] = t.client
	if !s.state.has(flagStored) {
		s.state.values[serverTransient] = t.server
	}
	if o.by != m.ring.sealing(now).ID {
		s.issue.transient = true
	}
}
