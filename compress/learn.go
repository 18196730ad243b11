package compress

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/store"
)

// A learner sees to it that there is a dictionary for the data that is saved:
// it looks for those that the store has, makes one of samples, and makes
// another when the data has changed. All of that happens in a goroutine of its
// own, which lives only as long as there is something to do.
type learner struct {
	known   *known
	current atomic.Pointer[dictionary] // what to compress with, nil for none
	samples samples
	watch   atomic.Pointer[watch]
	looked  int // the numbers up to here are taken; of the goroutine

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	running bool
	again   bool // there is more to do than when it began to run
}

func newLearner(k *known) *learner {
	l := &learner{known: k}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.watch.Store(&watch{})
	l.samples.gather()
	return l
}

// saved is told of each record that was saved and could be compressed with a
// dictionary, and of the size in which it was stored.
func (l *learner) saved(r store.Record, packed int) {
	if l.samples.on.Load() {
		if n := l.samples.add(r); n == someSamples || n == enoughSamples {
			l.wake()
		}
		return
	}
	if w := l.watch.Load(); w.saved(len(r.Data), packed) {
		l.review(w)
	}
}

// wake makes the goroutine look for what there is to do.
func (l *learner) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
	case l.running:
		l.again = true
	default:
		l.running = true
		l.done.Go(l.run)
	}
}

func (l *learner) run() {
	for {
		l.step(l.ctx)
		l.mu.Lock()
		if !l.again || l.closed {
			l.running = false
			l.mu.Unlock()
			return
		}
		l.again = false
		l.mu.Unlock()
	}
}

// step does what there is to do. What fails is left for later: nobody depends
// on it.
func (l *learner) step(ctx context.Context) {
	before := l.current.Load()
	if err := l.look(ctx); err != nil {
		l.rest(retryAfter)
		return
	}
	if d := l.current.Load(); d != before {
		l.settle(d.ratio)
		return
	}
	all := l.samples.full()
	if all == nil {
		return
	}
	if err := l.improve(ctx, all); err != nil {
		l.rest(retryAfter)
	}
}

// look loads the dictionaries that the store has and that are not known yet.
// The last one that is sound becomes the current one.
func (l *learner) look(ctx context.Context) error {
	for l.looked < maxDictionaries {
		d, _, err := l.known.get(ctx, l.looked+1)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err == nil:
			_ = l.known.insertSpare(ctx, d)
			l.current.Store(d)
		case !errors.Is(err, store.ErrCorrupt):
			return err
		}
		l.looked++
	}
	return nil
}

// improve makes a dictionary of samples, and puts it to use if it is better
// than the current one, or than none, by a tenth. Every fourth sample is not
// given to it but used to compare them.
func (l *learner) improve(ctx context.Context, all []sample) error {
	if l.looked == maxDictionaries {
		l.rest(maxWatched)
		return nil
	}
	var taught, kept []sample
	for i, s := range all {
		if i%4 == 3 {
			kept = append(kept, s)
		} else {
			taught = append(taught, s)
		}
	}
	content, err := train(ctx, taught)
	if err != nil {
		return err
	}
	now := l.current.Load().ratioOf(kept)
	if len(content) < minContent {
		l.refuse(now)
		return nil
	}
	ratio := newDictionary(l.looked+1, content, 0).ratioOf(kept)
	if ratio > now*leastBetter {
		l.refuse(now)
		return nil
	}
	d := newDictionary(l.looked+1, content, ratio)
	switch err := l.known.insert(ctx, d); {
	case errors.Is(err, store.ErrConflict):
		l.wake() // theirs is taken
		return nil
	case err != nil:
		return err
	}
	_ = l.known.insertSpare(ctx, d) // else at the next start
	l.looked = d.number
	l.current.Store(d)
	l.settle(ratio)
	return nil
}

// leastBetter is what a new dictionary has to leave of what the current one
// does.
const leastBetter = 0.9

// ratioOf returns the ratio of size after to before that d achieves; without a
// dictionary it is 1.
func (d *dictionary) ratioOf(all []sample) float64 {
	var raw, packed int
	for _, s := range all {
		raw += len(s.data)
		packed += packedSize(d, s.data)
	}
	return float64(packed) / float64(max(raw, 1))
}

func packedSize(d *dictionary, data []byte) int {
	if d != nil {
		if b := d.pack(data); b != nil {
			return len(b)
		}
	}
	return len(data)
}

// close makes the goroutine end soon, for which done waits, and frees what was
// gathered.
func (l *learner) close() {
	l.stop()
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.samples.close()
}
