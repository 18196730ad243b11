package gimlet

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
)

// Get returns the value of key, nil when there is none. It looks wherever the
// key may live, client-side first since that costs no I/O; with a placement it
// looks only there. The value has the Go type that was set: bool, string,
// []byte, every kind of int, uint and float, time.Time, time.Duration, and
// slices and maps of them. A struct comes back as map[string]any; a typed
// [Key] brings it back whole. The value is the caller's own: to change what
// is stored, Set it.
//
// A value that cannot be decoded reads as absent, and is logged.
func (s *Session) Get(key string, at ...Placement) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	enc := s.lookup(key, placementOf(at))
	return s.decode(key, enc)
}

func (s *Session) decode(key string, enc []byte) any {
	if enc == nil {
		return nil
	}
	v, err := decodeAny(s.m.cfg.codec, enc)
	if err != nil {
		s.corrupt(key, err)
		return nil
	}
	return v
}

// corrupt reports a value that cannot be decoded: it costs itself alone.
func (s *Session) corrupt(key string, err error) {
	s.m.stats.corrupt.Add(1)
	s.m.log(s.ctx, slog.LevelWarn, "session value unreadable, treated as absent", s,
		slog.String("key", key), slog.Any("error", err))
	s.emit(Event{Kind: EventCorrupt, ID: s.token.id, Err: err})
}

// Has reports whether key has a value, without decoding it. A placement
// narrows the search as in [Session.Get].
func (s *Session) Has(key string, at ...Placement) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookup(key, placementOf(at)) != nil
}

// lookup returns the stored form of a key's value as this request sees it,
// nil when there is none. It loads the record only if it needs to.
func (s *Session) lookup(key string, p Placement) []byte {
	if !s.open() {
		return nil
	}
	if c := s.intent.find(key); c != nil {
		if c.enc != nil && p.covers(c.area) {
			return c.enc
		}
		return nil
	}
	if s.intent.cleared {
		return nil
	}
	for a := clientPermanent; a < areas; a++ {
		if enc, ok := s.state.values[a].get(key); ok {
			if p.covers(a) {
				return enc
			}
			return nil
		}
	}
	if !p.coversServer() || !s.load() {
		return nil
	}
	for a := serverPermanent; a < clientPermanent; a++ {
		if enc, ok := s.state.values[a].get(key); ok && p.covers(a) {
			return enc
		}
	}
	return nil
}

// Set stores value under key. It takes a snapshot: later changes of a slice
// or map that value holds are not seen. Setting an equal value where it lives
// already is no change. What placement does not say takes its default,
// [ServerSide] and [Permanent], so Set moves a key that lives elsewhere.
//
// A value that cannot be encoded, or that makes the session too large, makes
// the session fail: see [Session.Err].
func (s *Session) Set(key string, value any, at ...Placement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !checkKey(s, key) {
		return
	}
	enc, err := encodeValue(s.m.cfg.codec, value)
	if err != nil {
		s.use()
		s.fail(valueError(key, err))
		return
	}
	s.put(key, enc, placementOf(at), nil)
}

// SetDefault returns the value of key, after setting it if there is none. Of
// requests that overlap, the one that is saved first decides, also for the
// others; what they have returned is what they saw.
func (s *Session) SetDefault(key string, value any, at ...Placement) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.decode(key, s.lookup(key, 0)); v != nil || !checkKey(s, key) {
		return v
	}
	enc, err := encodeValue(s.m.cfg.codec, value)
	if err != nil {
		s.use()
		s.fail(valueError(key, err))
		return nil
	}
	s.update(key, placementOf(at), func(old []byte) ([]byte, error) {
		if old != nil {
			return old, nil
		}
		return enc, nil
	})
	return s.decode(key, s.lookup(key, 0))
}

// put wants a value stored. update is as in change.
func (s *Session) put(key string, enc []byte, p Placement, update func([]byte) ([]byte, error)) {
	a, err := p.area()
	if err != nil {
		s.use()
		s.fail(misuse("key %q: %w", key, err))
		return
	}
	if !s.ready(key, a) {
		return
	}
	if update == nil {
		if old, home, ok := s.current(key); ok && home == a && string(old) == string(enc) {
			return
		}
	}
	if a == serverTransient && s.tag == (tag{}) {
		s.makeTag()
	}
	if s.state.size()+len(enc) > s.m.cfg.maxSize && s.tooLarge(key, a, enc) {
		return
	}
	s.intent.put(change{key: key, area: a, enc: enc, quick: p&Quick != 0, update: update})
}

// ready makes the session ready for a write to a key in area a: begun, and
// loaded unless it is known without that where the key lives.
func (s *Session) ready(key string, a area) bool {
	if a.client() && s.over {
		s.use()
		s.warn(misuse("key %q: %w", key, ErrHeadersSent))
		return false
	}
	if a.client() && s.open() && !s.loaded {
		if _, home, ok := s.current(key); ok && home.client() {
			return true
		}
	}
	if !s.begin() {
		return false
	}
	if s.over && s.needsCookie(key, a) {
		s.warn(misuse("key %q: %w", key, ErrHeadersSent))
		return false
	}
	return true
}

// current returns the stored form of a key's value as this request sees it,
// of what is loaded.
func (s *Session) current(key string) ([]byte, area, bool) {
	if c := s.intent.find(key); c != nil {
		return c.enc, c.area, c.enc != nil
	}
	if s.intent.cleared {
		return nil, 0, false
	}
	return s.state.find(key)
}

// tooLarge fails the session if it would exceed its bound with the value.
func (s *Session) tooLarge(key string, a area, enc []byte) bool {
	with := s.intent
	with.changes = slices.Clone(with.changes)
	with.put(change{key: key, area: a, enc: enc})
	values, err := with.apply(s.state.values, false)
	next := state{values: values}
	if err == nil && next.size() > s.m.cfg.maxSize {
		s.emit(Event{Kind: EventLimit, ID: s.token.id, Err: ErrTooLarge})
		s.fail(misuse("key %q: a session of %d bytes, and the limit is %d: %w", key, next.size(), s.m.cfg.maxSize, ErrTooLarge))
		return true
	}
	return false
}

// Delete removes a key, wherever it lives. A key that is not there is no change.
func (s *Session) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

func (s *Session) remove(key string) {
	if s.lookup(key, 0) == nil {
		return
	}
	_, home, _ := s.current(key)
	if !s.ready(key, home) {
		return
	}
	s.intent.put(change{key: key, area: home})
}

// Pop returns the value of key and removes it.
func (s *Session) Pop(key string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.decode(key, s.lookup(key, 0))
	s.remove(key)
	return v
}

// hiddenPrefix begins the keys that the package keeps for itself: they are
// stored like others but not shown.
const hiddenPrefix = "\x00"

func hidden(key string) bool { return strings.HasPrefix(key, hiddenPrefix) }

func checkKey(s *Session, key string) bool {
	if key == "" || hidden(key) {
		s.use()
		s.fail(misuse("key %q: a key is not empty and does not begin with a NUL byte", key))
		return false
	}
	return true
}

// valueError puts the key into an error of the value layer.
func valueError(key string, err error) error {
	var v *ValueError
	if errors.As(err, &v) {
		named := *v
		named.Key = key
		return &named
	}
	return misuse("key %q: %w", key, err)
}
