package truth_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// An ask is what a client has asked for.
type ask struct {
	What    string
	Of      int    // which record or session
	Version uint64 // of a record that is to be saved
	Value   uint64 // what is to be there; no two clients ever give the same
	Expires int64  // when it is to end, in ms since 1970
	Token   uint64 // with which the client came
	Next    uint64 // the token that it is to get
	Life    int    // of the process: how many kills there were before
	At      int64  // ns
}

// The answers that are no error are those that tell something; unknown is an error
// after which the change may have happened or not, or may happen later. Nothing was
// told of what ended with notDone.
const (
	done     = "done"
	none     = "none" // there is no such record, or the session is gone
	conflict = "conflict"
	unknown  = "unknown"
	notDone  = "not done"
)

// A told is what it was told.
type told struct {
	What    string
	Version uint64
	Value   uint64
	Count   int
	Expires int64
	At      int64 // ns
}

var processBegan = time.Now()

// moment is the time in ns since 1970. It does not go back, whatever is done to the
// clock.
func moment() int64 { return processBegan.UnixNano() + int64(time.Since(processBegan)) }

// A recorder takes note of what clients ask, before they do, and of what they are
// told, afterwards.
type recorder interface {
	asked(client int, a ask) (n int)
	told(n int, r told)
}

// do asks for something, and has both noted.
func do(to recorder, client int, a ask, f func() told) told {
	a.At = moment()
	n := to.asked(client, a)
	r := f()
	r.At = moment()
	to.told(n, r)
	return r
}

// A history is all that was asked and told. It is safe for concurrent use.
type history struct {
	mu    sync.Mutex
	all   []exchange
	kills []int64 // ns
}

type exchange struct {
	client int
	ask    ask
	told   told // nothing yet if its At is 0
}

func (h *history) asked(client int, a ask) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.Life = len(h.kills)
	h.all = append(h.all, exchange{client: client, ask: a})
	return len(h.all) - 1
}

// kill notes that the process was killed: what it has not done by now it never does.
func (h *history) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kills = append(h.kills, moment())
}

func (h *history) told(n int, r told) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[n].told = r
}

// operations returns what a model can be asked about: what has happened to each record or
// session, and the kills and the end. What has an unknown end may take effect at any time
// between that it was asked for and the next kill, or the end; what only reads says nothing
// then.
func (h *history) operations() (ops []porcupine.Operation, open int) {
	kills, last := h.kills, int64(0)
	for _, e := range h.all {
		last = max(last, e.ask.At, e.told.At)
	}
	kills = append(kills[:len(kills):len(kills)], last+1)
	known := map[int]bool{}
	for _, e := range h.all {
		op := porcupine.Operation{ClientId: e.client, Input: e.ask, Call: e.ask.At, Output: e.told, Return: e.told.At}
		switch {
		case e.told.What == notDone, e.ask.What == "load" && e.told.What != done && e.told.What != none:
			continue
		case e.told.At == 0 || e.told.What == unknown:
			open++
			op.Return = kills[e.ask.Life] + 1
			op.Output = told{What: unknown, At: op.Return}
		}
		ops = append(ops, op)
		if of := e.ask.Of; !known[of] {
			known[of] = true
			for _, at := range kills {
				ops = append(ops, porcupine.Operation{
					Input: ask{What: "kill", Of: of, At: at}, Call: at, Output: told{What: done, At: at + 1}, Return: at + 1,
				})
			}
		}
	}
	return ops, open
}

// A sequence is a state of what is modelled: one record or session, after some of what
// has happened to it.
type sequence interface {
	comparable
	// step returns what comes of it when something is asked for that is answered like
	// that, and whether that can be.
	step(a ask, r told) (sequence any, possible bool)
}

// model is how porcupine is told of it. The states of a record or session begin with the
// zero value of S.
func model[S sequence]() porcupine.Model {
	return porcupine.Model{
		Partition: partition,
		Init:      func() any { var s S; return s },
		Step: func(state, input, output any) (bool, any) {
			next, ok := state.(S).step(input.(ask), output.(told))
			return ok, next
		},
	}
}

// judge asks whether there is an order of the operations, each at one instant between its
// beginning and its end, in which all the answers are right. To find out can take too long,
// if the end of many is unknown: then it is unknown.
func judge[S sequence](ops []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model[S](), ops, 30*time.Second)
}

func partition(ops []porcupine.Operation) (parts [][]porcupine.Operation) {
	index := map[int]int{}
	for _, op := range ops {
		of := op.Input.(ask).Of
		i, ok := index[of]
		if !ok {
			i = len(parts)
			index[of], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// firstIllegal shows where no order was found: the end of the longest one, and what
// should have come next.
func firstIllegal[S sequence](ops []porcupine.Operation) string {
	for _, part := range partition(ops) {
		verdict, info := porcupine.CheckOperationsVerbose(model[S](), part, time.Minute)
		if verdict == porcupine.Ok {
			continue
		}
		var longest []porcupine.Operation
		for _, order := range info.PartialLinearizationsOperations()[0] {
			if len(order) > len(longest) {
				longest = order
			}
		}
		text := fmt.Sprintf("%d of %d operations in order:\n", len(longest), len(part))
		in := map[porcupine.Operation]bool{}
		for i, op := range longest {
			if in[op] = true; i >= len(longest)-20 {
				text += describe(op)
			}
		}
		text += "and none of:\n"
		left := slices.DeleteFunc(part, func(op porcupine.Operation) bool { return in[op] })
		slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		for _, op := range left[:min(len(left), 20)] {
			text += describe(op)
		}
		return text
	}
	return "all in order"
}

func describe(op porcupine.Operation) string {
	return fmt.Sprintf("%d: %+v\n    %+v\n", op.ClientId, op.Input, op.Output)
}
