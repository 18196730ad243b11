package gimlet

import (
	"slices"
	"sync"

	"github.com/gimlet-go/gimlet/store"
)

// ousted remembers the last calls of RevokeOwner, so that a Login that came
// before one of them is not saved after it.
type ousted struct {
	mu     sync.Mutex
	n      uint64    // of all calls
	recent []ousting // the last ones, in order
}

// An ousting is one call of RevokeOwner.
type ousting struct {
	owner  string
	except []store.ID
}

// maxOusted bounds how many calls are remembered. A Login during which more
// than half as many come is taken for one that was ended.
const maxOusted = 1 << 14

// calls is how many calls there were.
func (o *ousted) calls() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

func (o *ousted) add(owner string, except []store.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.recent) == maxOusted {
		o.recent = slices.Clone(o.recent[maxOusted/2:])
	}
	o.n++
	o.recent = append(o.recent, ousting{owner, slices.Clone(except)})
}

// since reports whether one of the calls after the first ones may have been to
// end a session of owner.
func (o *ousted) since(calls uint64, owner string, id store.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	forgotten := o.n - uint64(len(o.recent))
	if calls < forgotten {
		return true
	}
	return slices.ContainsFunc(o.recent[calls-forgotten:], func(c ousting) bool {
		return c.owner == owner && !slices.Contains(c.except, id)
	})
}
