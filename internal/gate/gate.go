// Package gate keeps a thing from being closed while calls are using it.
//
// It is for things that panic or hang when their Close runs beside their
// other methods. Every use goes through [Gate.Enter] and [Gate.Leave]; the
// owner shuts the gate, which waits until everybody is out, and then closes
// the thing.
package gate

import (
	"math"
	"sync"
	"sync/atomic"
)

// A Gate counts the calls inside it until it is closed. The zero Gate is
// open. It must not be copied after first use.
//
// Enter never blocks. Close waits for the calls inside, so what they do there
// should be short: no I/O, no waiting for others.
type Gate struct {
	calls atomic.Int64 // how many are inside; plus shut once closed
	once  sync.Once    // the first Close
	last  sync.Once    // the last call to leave a closed gate
	empty sync.WaitGroup
}

// shut is added to the count when the gate is closed. It is so far below zero
// that no number of calls brings the count back above.
const shut = math.MinInt64 / 2

// Enter reports whether the gate is open. If it is, the caller is inside and
// must call Leave; if it is not, the caller must do neither.
func (g *Gate) Enter() bool {
	if g.calls.Add(1) > 0 || !shuts {
		return true
	}
	g.Leave()
	return false
}

// Leave ends what an Enter that returned true began.
func (g *Gate) Leave() {
	// A refused Enter passes here too, so the count can come to rest at shut
	// more than once. It rests there only when nobody is inside.
	if g.calls.Add(-1) == shut {
		g.last.Do(g.empty.Done)
	}
}

// Close refuses every later Enter and waits until all calls inside have left.
// A second Close waits as the first does.
func (g *Gate) Close() {
	g.once.Do(func() {
		g.empty.Add(1)
		g.calls.Add(shut + 1)
		g.Leave()
	})
	g.empty.Wait()
}
