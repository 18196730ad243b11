package gimlet

// A Key is a name with the type of its value and the place where it lives.
// Declare keys once, as variables of the package that uses them:
//
//	var CartID = gimlet.NewKey[int]("cart_id", gimlet.ClientSide)
//
//	id, ok := CartID.Get(s)
//	CartID.Set(s, id+1)
//
// T may be any type that the codec can carry, structs included; nothing needs
// to be registered. A Key is a small value, safe for concurrent use.
type Key[T any] struct {
	name  string
	place Placement
}

// NewKey returns the key with a name. What placement does not say takes its
// default, [ServerSide] and [Permanent]. It panics if the placement
// contradicts itself or the name is not one, which are errors of the program.
func NewKey[T any](name string, at ...Placement) Key[T] {
	p := placementOf(at)
	if _, err := p.area(); err != nil {
		panic("gimlet: key " + name + ": " + err.Error())
	}
	if name == "" || hidden(name) {
		panic("gimlet: NewKey: a key is not empty and does not begin with a NUL byte")
	}
	return Key[T]{name, p}
}

// Name returns the key's name.
func (k Key[T]) Name() string { return k.name }

// Get returns the key's value, wherever it lives, and whether there is one.
// A stored value of another type is no value and an error on the session (see
// [Session.Err]), never a silent zero.
func (k Key[T]) Get(s *Session) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.read(s, s.lookup(k.name, 0))
}

func (k Key[T]) read(s *Session, enc []byte) (T, bool) {
	if enc == nil {
		var zero T
		return zero, false
	}
	v, err := decodeAs[T](s.m.cfg.codec, enc)
	if err != nil {
		s.warn(valueError(k.name, err))
		return v, false
	}
	return v, true
}

// Set stores v, in the key's place. See [Session.Set].
func (k Key[T]) Set(s *Session, v T) {
	s.Set(k.name, v, k.place)
}

// Delete removes the value, wherever it lives.
func (k Key[T]) Delete(s *Session) {
	s.Delete(k.name)
}

// Update replaces the value by f of it; f gets the zero value of T when there
// is none. It is atomic for server-side values: when another request has saved
// the session meanwhile, f runs again on the newest value, so f must not have
// effects of its own, and must not use s. A value stays where it lives.
//
// A stored value of another type makes the session fail, and f is not run.
func (k Key[T]) Update(s *Session, f func(T) T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	codec := s.m.cfg.codec
	update := func(old []byte) ([]byte, error) {
		var v T
		if old != nil {
			var err error
			if v, err = decodeAs[T](codec, old); err != nil {
				return nil, valueError(k.name, err)
			}
		}
		enc, err := encodeValue(codec, f(v))
		if err != nil {
			return nil, valueError(k.name, err)
		}
		return enc, nil
	}
	s.update(k.name, k.place, update)
}

// update wants a value replaced by a function of it.
func (s *Session) update(key string, p Placement, update func([]byte) ([]byte, error)) {
	if !s.begin() {
		return
	}
	old, home, ok := s.current(key)
	if !ok {
		old = nil
	} else {
		p = p&Quick | home.placement()
	}
	enc, err := update(old)
	if err != nil {
		s.fail(err)
		return
	}
	if string(enc) == string(old) && ok == (enc != nil) {
		return
	}
	// What this request has set already is known: no need to compute it again.
	if c := s.intent.find(key); c != nil || s.intent.cleared || home.client() {
		update = after(c, update)
	}
	s.put(key, enc, p, update)
}

// decodeAs is decodeInto without making the value escape, if it can be avoided.
func decodeAs[T any](c Codec, enc []byte) (T, error) {
	var v T
	if _, ok := c.(cborCodec); ok && decodeScalar(enc, &v) {
		return v, nil
	}
	return decodeEscaping[T](c, enc)
}

func decodeEscaping[T any](c Codec, enc []byte) (v T, err error) {
	err = decodeInto(c, enc, &v)
	return v, err
}

// after composes update with an earlier change of the same key: nil when the
// earlier change fixes the value.
func after(c *change, update func([]byte) ([]byte, error)) func([]byte) ([]byte, error) {
	if c == nil || c.update == nil {
		return nil
	}
	first := c.update
	return func(old []byte) ([]byte, error) {
		enc, err := first(old)
		if err != nil {
			return nil, err
		}
		return update(enc)
	}
}

// placement is the inverse of [Placement.area].
func (a area) placement() Placement {
	return [areas]Placement{
		serverPermanent: ServerSide | Permanent,
		serverTransient: ServerSide | Transient,
		clientPermanent: ClientSide | Permanent,
		clientTransient: ClientSide | Transient,
	}[a]
}
