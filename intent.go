package gimlet

import (
	"slices"
	"time"
)

// A change is what a request wants of one key.
type change struct {
	key   string
	area  area   // where a set goes
	enc   []byte // nil deletes
	quick bool

	// update computes enc from the newest stored value, nil if there is none,
	// and is run again when another request saved first.
	update func(old []byte) ([]byte, error)
}

// An intent is what a request wants of its session. It is kept apart from the
// state that the request has seen, so that it can be applied again to a newer
// state when another request has saved meanwhile.
type intent struct {
	changes    []change // one a key at most
	cleared    bool     // Clear came before the changes
	renew      bool     // a new secret, and the old one dead at once
	moved      bool     // the same, because BindingRenew asks for it
	login      bool
	owner      string // of login
	calls      uint64 // of RevokeOwner that came before login
	lifetime   *time.Duration
	idle       *time.Duration
	persistent *bool
	stored     *bool
}

func (in *intent) empty() bool {
	return !in.moved && in.movedAtMost()
}

// movedAtMost reports whether the handler wants nothing.
func (in *intent) movedAtMost() bool {
	return len(in.changes) == 0 && !in.cleared && !in.renew && !in.login &&
		in.lifetime == nil && in.idle == nil && in.persistent == nil && in.stored == nil
}

// find returns the wanted change of a key.
func (in *intent) find(key string) *change {
	for i := range in.changes {
		if in.changes[i].key == key {
			return &in.changes[i]
		}
	}
	return nil
}

// put adds a change, in place of an earlier one of the same key.
func (in *intent) put(c change) {
	if old := in.find(c.key); old != nil {
		*old = c
		return
	}
	in.changes = append(in.changes, c)
}

// clear forgets every change and wants every value away.
func (in *intent) clear() {
	in.changes = nil
	in.cleared = true
}

// quickOnly reports whether every change that the record would see is Quick.
func (in *intent) quickOnly() bool {
	rest := *in
	rest.changes = nil
	if len(in.changes) == 0 || !rest.empty() {
		return false
	}
	return !slices.ContainsFunc(in.changes, func(c change) bool { return !c.quick })
}

// apply returns values with the changes made. With again set, updates are
// computed anew from values.
func (in *intent) apply(values [areas]frame, again bool) ([areas]frame, error) {
	if in.cleared {
		values = [areas]frame{}
	}
	if len(in.changes) == 0 {
		return values, nil
	}
	var edits [areas][]edit // no two changes are of one key
	st := state{values: values}
	for _, c := range in.changes {
		old, home, found := st.find(c.key)
		if c.update != nil && again {
			enc, err := c.update(old)
			if err != nil {
				return values, err
			}
			c.enc = enc
			if found {
				c.area = home
			}
		}
		// A key lives in one place: what is set goes, wherever else it was.
		for a := range areas {
			if c.enc != nil && a == c.area {
				edits[a] = append(edits[a], edit{c.key, c.enc})
			} else if _, ok := values[a].get(c.key); ok {
				edits[a] = append(edits[a], edit{key: c.key})
			}
		}
	}
	for a, e := range edits {
		if len(e) > 0 {
			values[a] = values[a].merge(e)
		}
	}
	return values, nil
}

// split divides the intent into what concerns the record alone, and what needs
// a cookie, or another token, to be seen.
func (s *Session) split() (server, rest intent) {
	rest = s.intent
	if !s.state.has(flagStored) {
		return server, rest
	}
	if rest.cleared && len(s.state.values[clientPermanent])+len(s.state.values[clientTransient]) == 0 {
		server.cleared, rest.cleared = true, false
	}
	rest.changes = nil
	for _, c := range s.intent.changes {
		_, home, ok := s.state.find(c.key)
		if c.area.client() || ok && home.client() || c.area == serverTransient && s.tagFresh {
			rest.put(c)
		} else {
			server.put(c)
		}
	}
	return server, rest
}

// needsCookie reports whether a write to a key in area a, on the server, would
// need a cookie: one that tells of the session's first record, one without
// the value that is there now, or one that shows the browser a transient value.
func (s *Session) needsCookie(key string, a area) bool {
	_, home, ok := s.current(key)
	return !s.state.has(flagStored) || ok && home.client() || a == serverTransient && s.tag == (tag{})
}
