package compress

import "sync/atomic"

const (
	// watchedSaves is after how many saves it is looked whether a dictionary
	// still suits the data. While it proves to be of no use to make another
	// one, this doubles, up to maxWatched.
	watchedSaves = 1 << 16
	maxWatched   = 1 << 24

	// retryAfter is the same when a dictionary could not be loaded or stored.
	retryAfter = 1 << 10

	// mostWorse is how much more than before is left of the data when another
	// dictionary is to be made.
	mostWorse = 1.2
)

// A watch adds up what becomes of the data of a number of saves. It is safe
// for concurrent use.
type watch struct {
	length uint64  // saves
	ratio  float64 // what is expected; 0 if anything is to be tried again

	saves, raw, packed atomic.Uint64
}

// saved counts one save. It reports whether it is the last one of the watch.
func (w *watch) saved(raw, packed int) bool {
	w.raw.Add(uint64(raw))
	w.packed.Add(uint64(packed))
	return w.saves.Add(1) == w.length
}

// review is called at the end of a watch. It begins another one or, if the
// data has become another, to gather samples.
func (l *learner) review(w *watch) {
	ratio := float64(w.packed.Load()) / float64(w.raw.Load())
	if ratio > w.ratio*mostWorse {
		l.samples.gather()
		return
	}
	l.watch.Store(&watch{length: w.length, ratio: w.ratio})
}

// settle is for when a dictionary has come into use that is expected to
// achieve ratio.
func (l *learner) settle(ratio float64) {
	l.watch.Store(&watch{length: watchedSaves, ratio: ratio})
	l.samples.drop()
}

// refuse is for when a new dictionary would not have been much better than
// what there is, which achieves ratio.
func (l *learner) refuse(ratio float64) {
	length := min(2*max(l.watch.Load().length, watchedSaves), maxWatched)
	if l.current.Load() == nil {
		ratio = 0
	}
	l.watch.Store(&watch{length: length, ratio: ratio})
	l.samples.drop()
}

// rest is for when something failed that may not fail later.
func (l *learner) rest(saves uint64) {
	l.watch.Store(&watch{length: saves})
	l.samples.drop()
}
