package gimlet

import "iter"

// Clear removes every value, flash messages included. The session itself
// stays, with its token and owner.
func (s *Session) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		return
	}
	cookies := len(s.state.values[clientPermanent])+len(s.state.values[clientTransient]) > 0
	if s.over && (cookies || !s.state.has(flagStored)) {
		s.warn(ErrHeadersSent)
		return
	}
	s.intent.clear()
}

// Len returns the number of keys.
func (s *Session) Len() int { return len(s.Keys()) }

// Keys returns the keys in ascending order.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := s.visible()
	return keysOf(values[:]...)
}

// All yields the keys and values, by ascending key. It shows the session as it
// was when the loop began; the loop may change the session.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, key := range s.Keys() {
			v, ok := s.value(key)
			if ok && !yield(key, v) {
				return
			}
		}
	}
}

func (s *Session) value(key string) (any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	enc := s.lookup(key, 0)
	return s.decode(key, enc), enc != nil
}

// visible returns all values as this request sees them.
func (s *Session) visible() [areas]frame {
	if !s.load() {
		return [areas]frame{}
	}
	values, err := s.intent.apply(s.state.values, false)
	if err != nil {
		s.fail(err)
	}
	return values
}
