package gimlet

import (
	"bytes"
	"encoding/binary"
)

// Flash adds a value to a queue of messages that are shown once, on the next
// page usually. The queue's name may be "". Messages of requests that overlap
// are all kept. The value is stored server-side, and may be of any type that
// [Session.Set] takes.
func (s *Session) Flash(queue string, value any) {
	s.flash(queue, value, false)
}

// FlashOnce is Flash, unless an equal value waits in the queue already.
func (s *Session) FlashOnce(queue string, value any) {
	s.flash(queue, value, true)
}

func (s *Session) flash(queue string, value any, once bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	enc, err := encodeValue(s.m.cfg.codec, value)
	if err != nil {
		s.use()
		s.fail(valueError("flash "+queue, err))
		return
	}
	block := appendBlock(nil, enc)
	s.update(flashKey(queue), ServerSide, func(old []byte) ([]byte, error) {
		if once {
			for message := range blocks(old) {
				if bytes.Equal(message, enc) {
					return old, nil
				}
			}
		}
		return append(old[:len(old):len(old)], block...), nil
	})
}

// Flashes returns the messages of a queue in the order in which they were
// added, and removes them. Of requests that overlap, each message is removed
// by one that has seen it; it may be shown by both.
func (s *Session) Flashes(queue string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, messages := s.flashes(queue)
	if len(seen) == 0 {
		return messages
	}
	if s.over && !s.state.has(flagStored) {
		s.warn(ErrHeadersSent)
		return nil
	}
	s.update(flashKey(queue), ServerSide, func(old []byte) ([]byte, error) {
		rest, ok := bytes.CutPrefix(old, seen)
		if ok && len(rest) == 0 {
			return nil, nil
		}
		return rest, nil
	})
	return messages
}

// PeekFlashes returns the messages of a queue and leaves them there.
func (s *Session) PeekFlashes(queue string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, messages := s.flashes(queue)
	return messages
}

func (s *Session) flashes(queue string) ([]byte, []any) {
	stored := s.lookup(flashKey(queue), 0)
	var messages []any
	for enc := range blocks(stored) {
		if v := s.decode("flash "+queue, enc); v != nil {
			messages = append(messages, v)
		}
	}
	return stored, messages
}

func flashKey(queue string) string { return hiddenPrefix + "flash\x00" + queue }

// blocks yields the length-prefixed blocks of b, up to the first bad one.
func blocks(b []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)-used) {
				return
			}
			if !yield(b[used : used+int(n)]) {
				return
			}
			b = b[used+int(n):]
		}
	}
}
