package truth_test

import "time"

// A sessionState is a session as the documentation has it: with one token that opens it,
// with two values, until it is destroyed or its time is over.
type sessionState struct {
	Alive   bool
	Token   uint64
	Value   uint64
	Count   int
	Expires int64 // ms
	Now     int64 // it is not earlier than that, in ns
	Life    int   // how many kills there were
}

func (s sessionState) step(a ask, r told) (any, bool) {
	s.Now = max(s.Now, a.At)
	switch {
	case a.What == "kill":
		s.Life++
		return s, true
	case r.What == unknown && a.Life < s.Life:
		return s, true // it has never happened
	case r.What == none:
		return s.missed(a, r)
	case a.What == "begin":
		s.Alive, s.Token, s.Value, s.Expires = true, a.Next, a.Value, a.Expires
		return s, true
	case a.What == "destroy":
		was := s.Alive
		s.Alive = false
		return s, was || r.What == done
	}
	open := s.Alive && s.Token == a.Token && s.Now < s.Expires*int64(time.Millisecond)+skew
	return s.change(a, r, open)
}

// missed returns what s is if it was not found with a token.
func (s sessionState) missed(a ask, r told) (any, bool) {
	expires := s.Expires*int64(time.Millisecond) - skew
	if !s.Alive || s.Token != a.Token {
		return s, true
	}
	s.Alive = false
	s.Now = max(s.Now, expires)
	return s, expires <= r.At
}

// change returns what s becomes by something that has happened, if the token opens it.
func (s sessionState) change(a ask, r told, open bool) (any, bool) {
	switch a.What {
	case "load":
		return s, open && s.Value == r.Value && s.Count == r.Count
	case "set":
		s.Value = a.Value
	case "add":
		s.Count++
		open = open && (r.What == unknown || s.Count == r.Count)
	case "renew":
		s.Token = a.Next
	}
	return s, open
}
