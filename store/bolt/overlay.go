package bolt

import (
	"bytes"
	"sync"

	"github.com/gimlet-go/gimlet/store"
)

// An overlay holds the newest states of records, over what the database has.
// With a journal these are the changes that were acknowledged and not moved
// yet, and the touches; without one it is the touches alone.
//
// The writer adds states, and whoever moves them into the database takes them
// out once they are there. So a reader that looks here first, and begins its
// transaction afterwards, never misses a change.
type overlay struct {
	mu       sync.RWMutex
	states   map[store.ID]*state
	loose    map[store.ID]struct{} // those whose state is in no frame: a crash may lose it
	reserved map[store.ID]struct{} // those that a group is about to change
	freeing  chan struct{}         // closed when it has done so; nil if nobody waits for that
	owners   map[string]map[store.ID]struct{}
	frames   []frameIDs // oldest first
	cost     int64      // what the states take in memory
	idle     int64      // the bytes of the records that are in no frame
}

// frameIDs are the records that a frame of the journal is about.
type frameIDs struct {
	end int64
	ids []store.ID
}

func (o *overlay) init() {
	o.states = make(map[store.ID]*state)
	o.loose = make(map[store.ID]struct{})
	o.reserved = make(map[store.ID]struct{})
	o.owners = make(map[string]map[store.ID]struct{})
}

// get returns the newest state of a record, or nil when it is that of the
// database.
func (o *overlay) get(id store.ID) *state {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.states[id]
}

// touch makes a state the newest one that is in no frame. It reports whether
// another such state was waiting.
func (o *overlay) touch(id store.ID, s *state) (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, again = o.loose[id]
	o.set(id, s)
	o.loose[id] = struct{}{}
	o.idle += int64(len(s.draft.buf))
	return again
}

// waiting returns how many states are in no frame.
func (o *overlay) waiting() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.loose)
}

// waitingBytes returns how many bytes these have.
func (o *overlay) waitingBytes() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.idle
}

// someLoose returns up to limit of the states that are in no frame.
func (o *overlay) someLoose(limit int) []move {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var some []move
	for id := range o.loose {
		if len(some) == limit {
			break
		}
		some = append(some, move{id, o.states[id]})
	}
	return some
}

// all returns all states.
func (o *overlay) all() []move {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := make([]move, 0, len(o.states))
	for id, s := range o.states {
		list = append(list, move{id, s})
	}
	return list
}

// publish makes the states of a frame visible, which ends at end.
func (o *overlay) publish(frame []move, end int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := make([]store.ID, len(frame))
	for i, m := range frame {
		ids[i] = m.id
		if !m.state.touched {
			m.state.whole = end
		}
		o.set(m.id, m.state)
	}
	o.frames = append(o.frames, frameIDs{end, ids})
}

// due returns the states that must be in the database before the frames up to
// end are given up. What a later frame has whole can wait.
func (o *overlay) due(end int64) []move {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var list []move
	seen := make(map[store.ID]bool)
	for _, f := range o.frames {
		if f.end > end {
			break
		}
		for _, id := range f.ids {
			if s := o.states[id]; s != nil && s.whole <= end && !seen[id] {
				seen[id] = true
				list = append(list, move{id, s})
			}
		}
	}
	return list
}

// moved takes out the states that are in the database now, and the frames up
// to end.
func (o *overlay) moved(list []move, end int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range list {
		if o.states[m.id] == m.state {
			o.drop(m.id)
		}
	}
	n := 0
	for n < len(o.frames) && o.frames[n].end <= end {
		n++
	}
	o.frames = append([]frameIDs(nil), o.frames[n:]...)
}

// forget takes out whatever is newest of the records: a group has put newer
// states into the database.
func (o *overlay) forget(list []move) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range list {
		o.drop(m.id)
	}
}

// stepEnd returns where the oldest frames end that together take no more than
// size bytes of the journal from tail on, and make no more than most records due,
// or where the first of them ends; tail when there are none.
func (o *overlay) stepEnd(tail, size int64, most int) int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	end, records := tail, 0
	for _, f := range o.frames {
		for _, id := range f.ids {
			if s := o.states[id]; s != nil && s.whole <= f.end {
				records++
			}
		}
		if end > tail && (f.end-tail > size || records > most) {
			break
		}
		end = f.end
	}
	return end
}

// ids returns the records of an owner that have a state here or, for the owner
// "", all of them.
func (o *overlay) ids(owner string) []store.ID {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var ids []store.ID
	if owner != "" {
		for id := range o.owners[owner] {
			ids = append(ids, id)
		}
		return ids
	}
	for id, s := range o.states {
		if !s.gone {
			ids = append(ids, id)
		}
	}
	return ids
}

// anyExpired reports whether a state has expired at now.
func (o *overlay) anyExpired(now int64) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, s := range o.states {
		if !s.gone && expired(s.expires, now) {
			return true
		}
	}
	return false
}

// size returns how many bytes the states take in memory, about.
func (o *overlay) size() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.cost
}

func (o *overlay) set(id store.ID, s *state) {
	old := o.states[id]
	if old != nil && !old.gone && !s.gone && bytes.Equal(old.owner, s.owner) {
		o.unload(id, old) // and it stays where it is among its owner's
	} else {
		o.drop(id)
		o.own(id, s)
	}
	o.states[id] = s
	o.cost += s.cost()
}

// own adds a record to those of its owner.
func (o *overlay) own(id store.ID, s *state) {
	if s.gone || len(s.owner) == 0 {
		return
	}
	ids := o.owners[string(s.owner)]
	if ids == nil {
		ids = make(map[store.ID]struct{})
		o.owners[string(s.owner)] = ids
	}
	ids[id] = struct{}{}
}

func (o *overlay) drop(id store.ID) {
	s := o.states[id]
	if s == nil {
		return
	}
	delete(o.states, id)
	o.unload(id, s)
	ids := o.owners[string(s.owner)]
	delete(ids, id)
	if len(ids) == 0 {
		delete(o.owners, string(s.owner))
	}
}

// unload takes what a state that goes has cost off the accounts.
func (o *overlay) unload(id store.ID, s *state) {
	o.cost -= s.cost()
	if _, ok := o.loose[id]; ok {
		delete(o.loose, id)
		o.idle -= int64(len(s.draft.buf))
	}
}
