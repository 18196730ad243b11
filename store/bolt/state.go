package bolt

// A state is what a record has become by a change that the database does not
// have yet. It is never altered, except for whole.
type state struct {
	record        // its owner and data are parts of draft
	draft   draft // owner and data as they are written; empty when gone
	gone    bool  // the record was deleted
	touched bool  // only its expiry has changed

	// whole is where the frame of the journal ends that has all of it, or of
	// what was touched; 0 when no frame has, because the database does.
	whole int64
}

func newState(version uint64, expires int64, d draft) *state {
	return &state{draft: d, record: record{version: version, expires: expires, owner: d.ownerBytes(), data: d.dataBytes()}}
}

// touch returns the state with another expiry.
func (s *state) touch(expires int64) *state {
	t := newState(s.version, expires, s.draft)
	t.touched, t.whole = true, s.whole
	return t
}

// stateCost is about what a state takes in memory besides its bytes.
const stateCost = 256

func (s *state) cost() int64 { return int64(len(s.draft.buf)) + stateCost }
