package truth_test

import "time"

// A recordState is a record as the contract of a store has it.
type recordState struct {
	Exists  bool
	Version uint64
	Value   uint64
	Expires int64 // ms
	Now     int64 // it is not earlier than that, in ns
	Life    int   // how many kills there were
}

// skew is by how much the clock that a store uses, and ours, which does not jump, may
// differ within a test.
const skew = int64(5 * time.Millisecond)

// seen returns what s is if it still exists at an instant from now on.
func (s recordState) seen() (recordState, bool) {
	return s, s.Exists && s.Now < s.Expires*int64(time.Millisecond)+skew
}

// missed returns what s is if it does not exist at an instant up to a time.
func (s recordState) missed(until int64) (recordState, bool) {
	expires := s.Expires*int64(time.Millisecond) - skew
	if s.Exists {
		s.Now = max(s.Now, expires)
	}
	return recordState{Now: s.Now, Life: s.Life}, !s.Exists || expires <= until
}

func (s recordState) step(a ask, r told) (any, bool) {
	s.Now = max(s.Now, a.At)
	switch {
	case a.What == "kill":
		s.Life++
		return s, true
	case r.What == unknown && a.Life < s.Life:
		return s, true // it has never happened
	case r.What == unknown || r.What == done:
		return s.change(a, r)
	case r.What == none:
		return s.missed(r.At)
	}
	next, ok := s.seen() // a conflict, which has a reason
	return next, ok && (a.What == "insert" || s.Version+1 != a.Version)
}

// change returns what s becomes by something that has happened. A change whose end is
// unknown has an effect, or it has not happened.
func (s recordState) change(a ask, r told) (any, bool) {
	switch a.What {
	case "load":
		next, ok := s.seen()
		return next, ok && s.Version == r.Version && s.Value == r.Value && s.Expires == r.Expires
	case "insert":
		next, ok := s.missed(r.At)
		next.Exists, next.Version, next.Value, next.Expires = true, 1, a.Value, a.Expires
		return next, ok
	case "save":
		next, ok := s.seen()
		next.Version, next.Value, next.Expires = a.Version, a.Value, a.Expires
		return next, ok && s.Version+1 == a.Version
	case "touch":
		next, ok := s.seen()
		next.Expires = a.Expires
		return next, ok
	case "delete":
		return recordState{Now: s.Now, Life: s.Life}, s.Exists || r.What == done
	}
	panic(a.What)
}
