package bolt

import (
	"time"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// A decision is what the requests of one group see, and what they change: each
// sees the changes of those before it. Nothing of it is in the database yet. The
// writer has one, and uses it again for each group.
type decision struct {
	store   *Store
	records *bbolt.Bucket
	now     int64
	states  map[store.ID]*state // the newest: of the overlay, or staged
	staged  map[store.ID]bool   // the records that were changed
	later   []*request          // touches for which there is no room in memory yet

	ids  []store.ID // of the group
	list []move     // what was staged
}

// decide lets the requests of a group say what they change, and leaves in each
// why it does not. The error is one that kept all of them from being asked.
func (s *Store) decide(g *group) (*decision, error) {
	// First the overlay, then the database: what is moved in between is found
	// in both.
	d := &s.decision
	d.reset(s)
	d.ids = g.appendIDs(d.ids[:0])
	s.overlay.reserve(d.ids, d.states)
	err := s.view(func(tx *bbolt.Tx) error {
		d.now = millis(time.Now())
		if d.records = tx.Bucket(s.buckets.records); d.records == nil {
			return s.corrupt(store.ID{}, errNoBucket)
		}
		d.touch(g.touches)
		for _, r := range g.changes {
			r.err = r.change.apply(d)
		}
		return nil
	})
	return d, err
}

func (d *decision) reset(s *Store) {
	if d.store == nil {
		d.store, d.states, d.staged = s, make(map[store.ID]*state), make(map[store.ID]bool)
	}
	clear(d.states)
	clear(d.staged)
	d.records, d.later = nil, nil
}

// touch decides touches, until their records would take too much memory.
func (d *decision) touch(requests []*request) {
	room := int64(maxPendingBytes)
	for i, r := range requests {
		if room <= 0 {
			d.later = requests[i:]
			return
		}
		r.err = r.touch.apply(d)
		if r.touch.state != nil {
			room -= int64(len(r.touch.state.draft.buf))
		}
	}
}

// find returns the record under id, or nil when there is none. It may have
// expired. What it returns lives no longer than the group's turn.
func (d *decision) find(id store.ID) (*record, error) {
	if s := d.states[id]; s != nil {
		if s.gone {
			return nil, nil
		}
		return &s.record, nil
	}
	b := d.records.Get(id[:])
	if b == nil {
		return nil, nil
	}
	r, err := decodeRecord(id, b)
	if err != nil {
		return nil, d.store.corrupt(id, err)
	}
	return &r, nil
}

// stage makes s the state of a record, for those who come after.
func (d *decision) stage(id store.ID, s *state) {
	d.states[id], d.staged[id] = s, true
}

// moves returns what was staged. The list is good until the next group.
func (d *decision) moves() []move {
	d.list = d.list[:0]
	for id := range d.staged {
		d.list = append(d.list, move{id, d.states[id]})
	}
	return d.list
}
