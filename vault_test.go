package gimlet_test

import (
	"fmt"
	"sync"
)

// A vault keeps secrets, and finds them in what was told. So that no run needs
// more and more memory, both are searched and forgotten when there is much.
type vault struct {
	told  *transcript
	round int // bytes

	mu      sync.Mutex
	secrets secrets
	bytes   int
	count   map[string]int // of secrets, by what they are
	leaks   []leak
}

// keep keeps a secret by one of the ways of secrets.
func (v *vault) keep(put func(s secrets, what, text string), what, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.secrets == nil {
		v.secrets, v.count = make(secrets), make(map[string]int)
	}
	before := len(v.secrets)
	put(v.secrets, what, text)
	if len(v.secrets) == before {
		return
	}
	v.count[what]++
	if v.bytes += 2 * len(text); v.bytes > v.round || v.told.size() > v.round {
		v.turn()
	}
}

// turn ends a round.
func (v *vault) turn() {
	lines := v.told.take()
	v.leaks = append(v.leaks, v.secrets.found(lines)...)
	v.leaks = append(v.leaks, envelopes(lines)...)
	v.bytes = 0
	clear(v.secrets)
}

// search returns what was told that should not have been.
func (v *vault) search() []leak {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn()
	return v.leaks
}

// leastOfAll is what a run of all tests hears and keeps at least, by far.
var leastOfAll = map[string]int{
	"the default logger": 100, "a logger": 40, "a manager": 1500, "a manager with a book": 80,
	"a manager's end": 200, "an error page": 50,
	"a cookie": 1500, "a CSRF token": 40, "a ring key": 500,
	"the secret of a session": 5000, "the tag of a transient cookie": 100,
}

// missing returns of what so little was heard or kept that something cannot be
// connected, if all tests ran.
func (v *vault) missing() (few []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for what, least := range leastOfAll {
		if n := v.told.told(what) + v.count[what]; n < least {
			few = append(few, fmt.Sprintf("%s: %d, of at least %d", what, n, least))
		}
	}
	return few
}
