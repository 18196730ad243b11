package disk

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
)

// A Crash is what may be found after the power went at a moment.
type Crash struct {
	Moment int
	Files  map[string][]byte
}

// Whole returns what is found if the power goes at a moment and nothing is
// lost.
func (l *Log) Whole(moment int) Crash {
	for c := range l.crashes([]choice{{moment: moment, number: nothing}}) {
		return c
	}
	panic("disk: a choice without a crash")
}

// Random returns something that may be found when the power goes at a moment.
func (l *Log) Random(moment int, rng *rand.Rand) Crash {
	d := newDisk(l.Start)
	l.play(d, 0, moment)
	open := d.open()
	all := choose(open, rng)
	return Crash{moment, d.image(open, all[rng.IntN(len(all))])}
}

// Moments returns the moments from one on at which a crash differs from one at
// a later moment: those before the disk is changed. What a program has said by
// then is as much as it can be.
func (l *Log) Moments(from int) []int {
	var moments []int
	for _, e := range l.events() {
		if e.op.Kind != Note && e.moment > from {
			moments = append(moments, e.moment-1)
		}
	}
	moments = append(moments, l.End)
	return slices.Compact(moments)
}

// Changes returns the moments before each of the operations that change the disk, if
// nothing is lost, and the last one: in between it stays the same.
func (l *Log) Changes() []int {
	var moments []int
	for i := range l.Ops {
		if op := &l.Ops[i]; op.Kind == Write || op.Kind == Resize || op.Kind == Rename {
			moments = append(moments, op.Begin-1)
		}
	}
	return append(moments, l.End)
}

// Wholes yields for each moment what is found if nothing is lost.
func (l *Log) Wholes(moments []int) iter.Seq[Crash] {
	choices := make([]choice, 0, len(moments))
	for _, m := range moments {
		choices = append(choices, choice{moment: m, number: nothing})
	}
	return l.crashes(choices)
}

// Crashes yields things that may be found when the power goes at one of the
// moments. It ends after n of them. Some may be the same.
func (l *Log) Crashes(moments []int, n int, rng *rand.Rand) iter.Seq[Crash] {
	choices, often := l.choices(moments, rng)
	rng.Shuffle(len(choices), func(i, k int) { choices[i], choices[k] = choices[k], choices[i] })
	for len(choices) < n {
		choices = append(choices, choice{moment: often[rng.IntN(len(often))], number: anything, seed: rng.Uint64()})
	}
	choices = choices[:n]
	slices.SortStableFunc(choices, func(a, b choice) int { return a.moment - b.moment })
	return l.crashes(choices)
}

// A choice is one of the crashes at a moment: that with a number among those that
// choose returns, or another one.
type choice struct {
	moment int
	number int
	seed   uint64
}

const (
	anything = -1 // fates at random
	nothing  = -2 // nothing is lost
)

func (c choice) rand() *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(c.moment))) }

// choices returns the crashes at the moments that are most likely to show
// something, and the moments, each as often as much is open at it.
func (l *Log) choices(moments []int, rng *rand.Rand) (all []choice, often []int) {
	d, at := newDisk(l.Start), 0
	seed := rng.Uint64()
	for _, m := range moments {
		at = l.play(d, at, m)
		open := d.open()
		c := choice{moment: m, seed: seed}
		for c.number = range choose(open, c.rand()) {
			all = append(all, c)
		}
		often = append(often, m)
		for _, o := range open {
			if o.Kind == Write {
				often = append(often, slices.Repeat([]int{m}, min(telling(o.Op), 20))...)
			}
		}
	}
	return all, often
}

// crashes yields what is found for choices, which are in the order of moments.
func (l *Log) crashes(choices []choice) iter.Seq[Crash] {
	return func(yield func(Crash) bool) {
		d, at, moment := newDisk(l.Start), 0, -1
		var open []*change
		var numbered [][]fate // those of the moment, once they are needed
		for _, c := range choices {
			if c.moment != moment {
				at, moment = l.play(d, at, c.moment), c.moment
				open, numbered = d.open(), nil
			}
			if c.number >= 0 && numbered == nil {
				numbered = choose(open, c.rand())
			}
			if !yield(Crash{c.moment, d.image(open, c.fates(open, numbered))}) {
				return
			}
		}
	}
}

func (c choice) fates(open []*change, numbered [][]fate) []fate {
	if c.number >= 0 {
		return numbered[c.number]
	}
	rng := c.rand()
	fates := make([]fate, len(open))
	for i, o := range open {
		if fates[i] = kept; c.number == anything {
			fates[i] = anyFate(o.Op, rng)
		}
	}
	return fates
}

// An event is the beginning of an operation, or the end of a sync.
type event struct {
	moment int
	op     *Op
	ends   bool
}

func (l *Log) events() []event {
	if l.order != nil {
		return l.order
	}
	for i := range l.Ops {
		op := &l.Ops[i]
		l.order = append(l.order, event{op.Begin, op, false})
		if (op.Kind == Sync || op.Kind == SyncNames) && op.End < math.MaxInt {
			l.order = append(l.order, event{op.End, op, true})
		}
	}
	slices.SortStableFunc(l.order, func(a, b event) int { return a.moment - b.moment })
	return l.order
}

// play lets happen what has happened up to a moment, from the event at on. It
// returns the event to go on with.
func (l *Log) play(d *disk, at, moment int) int {
	events := l.events()
	for ; at < len(events) && events[at].moment <= moment; at++ {
		if e := events[at]; e.ends {
			d.end(e.op)
		} else {
			d.begin(e.op)
		}
	}
	return at
}
