package bolt

import "github.com/gimlet-go/gimlet/store"

// reserve marks the records that a group is about, and adds their states to known.
func (o *overlay) reserve(ids []store.ID, known map[store.ID]*state) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		o.reserved[id] = struct{}{}
		if s := o.states[id]; s != nil {
			known[id] = s
		}
	}
}

// free ends what reserve began.
func (o *overlay) free() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.reserved)
	if o.freeing != nil {
		close(o.freeing)
		o.freeing = nil
	}
}

// freed returns what is closed when a group that is about to change a record has done
// so, or nil if there is none.
func (o *overlay) freed(id store.ID) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.reserved[id]; !ok {
		return nil
	}
	if o.freeing == nil {
		o.freeing = make(chan struct{})
	}
	return o.freeing
}

// fixed reports whether a record is as the database has it, and stays so: no
// newer state is here or about to be.
func (o *overlay) fixed(id store.ID) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, reserved := o.reserved[id]
	return !reserved && o.states[id] == nil
}
