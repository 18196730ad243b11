package gimlet

import (
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// renewals are the sessions that were given a new token a moment ago in this
// process, by Login or Renew.
type renewals struct {
	mu sync.Mutex
	at map[store.ID]int64 // ms
}

// overlap is how long requests are expected to be under way with the old token.
const overlap = time.Minute

func (r *renewals) add(id store.ID, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = make(map[store.ID]int64)
	}
	r.at[id] = now
}

func (r *renewals) has(id store.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[id]
	return ok && time.Since(time.UnixMilli(at)) < overlap
}

func (r *renewals) forget(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.at {
		if now-at >= overlap.Milliseconds() {
			delete(r.at, id)
		}
	}
}
