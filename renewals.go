package gimlet

import (
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// renewals are the sessions that were given a new token a moment ago in this
// process, by Login or Renew. How long ago that is does not depend on the clock that
// may be set.
type renewals struct {
	mu sync.Mutex
	at map[store.ID]time.Time
}

// overlap is how long requests are expected to be under way with the old token.
const overlap = time.Minute

func (r *renewals) add(id store.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = make(map[store.ID]time.Time)
	}
	r.at[id] = time.Now()
}

func (r *renewals) has(id store.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[id]
	return ok && time.Since(at) < overlap
}

func (r *renewals) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.at {
		if time.Since(at) >= overlap {
			delete(r.at, id)
		}
	}
}

// inGrace reports whether a previous secret that is good until some time is so still. It
// is not when a clock that was ahead has set that time.
func (m *Manager) inGrace(until, now int64) bool {
	return now < until && until-now <= (m.cfg.grace+overlap).Milliseconds()
}

// renews reports whether the intent gives the session a new secret and makes
// the old one dead at once. So does one that shortens the session's life, if
// there are cookies that speak without the record: they would outlive it.
func (s *Session) renews() bool {
	if s.intent.login || s.intent.renew || s.intent.moved {
		return true
	}
	next := s.state.head
	s.intent.timing(&s.m.cfg, &next, s.m.now())
	shorterIdle := next.idle > 0 && (s.state.idle == 0 || next.idle < s.state.idle)
	return s.state.has(flagCarried) && (next.ends < s.state.ends || shorterIdle)
}

// aged reports whether the schedule of WithRenewal asks for a new secret, as
// far as what was read of the session tells. A session without a record has
// nobody to tell that it was renewed.
func (s *Session) aged() bool {
	every := s.m.cfg.renewEvery.Milliseconds()
	if every == 0 || s.req == nil || !s.state.has(flagStored) {
		return false
	}
	age := s.m.now() - s.state.renewed
	return age >= every || -age > every // by a clock that was ahead
}

// renewalDue reports whether the session is to get a new secret by schedule
// with this response. The cookie's time is never later than the record's: no
// need to load the record before it is due.
func (s *Session) renewalDue() bool {
	return !s.over && s.aged() && s.load() && s.aged()
}
