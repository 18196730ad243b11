package crash_test

import (
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// An exploration looks at what may be found after the power went at the moments
// of a log, and judges it: the store opens, goes on and is sound; every change
// that was acknowledged by then is there; and what is there is what was there at
// one moment, so that of changes that were made together none is there without
// the others. A touch waits in memory, and may get into the database beside a change
// that gets into the journal, so each is looked at by itself.
type exploration struct {
	t         *testing.T
	log       *disk.Log
	surveyors []*rig.Surveyor
	dir       string
	seed      maphash.Seed
	control   bool // the library is broken: it is enough to find that out

	mu       sync.Mutex
	states   int            // how many different ones were looked at
	badness  int            // how many were bad
	bad      []string       // what was wrong with the first of them
	contents map[string]int // what was there, and since which moment
	expiries map[found]int  // since when a version of a record expired then
	seen     map[uint64]bool
}

func newExploration(t *testing.T, log *disk.Log) *exploration {
	return exploreWith(t, log, 20*time.Second)
}

// newControl is about a library that is broken.
func newControl(t *testing.T, log *disk.Log) *exploration {
	e := exploreWith(t, log, 2*time.Second)
	e.control = true
	return e
}

func exploreWith(t *testing.T, log *disk.Log, patience time.Duration) *exploration {
	e := &exploration{
		t: t, log: log, dir: rig.MemoryDir(t), seed: maphash.MakeSeed(),
		contents: map[string]int{}, expiries: map[found]int{}, seen: map[uint64]bool{},
	}
	for range runtime.NumCPU() {
		e.surveyors = append(e.surveyors, rig.NewSurveyor(t, patience))
	}
	return e
}

// explore looks at n different states from a moment on, or at as many as can
// be found, and returns how many moments they are of.
func (e *exploration) explore(from, n int) (moments int) {
	e.remember()
	late := e.log.Moments(from)
	rng := rand.New(rand.NewPCG(1, 2))
	for before := -1; e.states < n && e.states > before && !e.found(); {
		before = e.states
		e.each(func(yield func(disk.Crash) bool) {
			for c := range e.log.Crashes(late, max(n-e.states, 500), rng) {
				if e.states == n || e.isNew(c) && !yield(c) {
					return
				}
			}
		}, e.judge)
	}
	return len(late)
}

// remember takes note of what is there while nothing is lost.
func (e *exploration) remember() {
	moments := e.log.Changes()
	since := make(map[int]int, len(moments))
	for i, m := range moments {
		if since[m] = 0; i > 0 {
			since[m] = moments[i-1] + 1
		}
	}
	e.each(e.log.Wholes(moments), func(c disk.Crash, expected *expectation, f finding) {
		if problem := problem(expected, f); problem != "" {
			e.report(c, problem)
			return
		}
		earliest(e.contents, contentKey(f), since[c.Moment])
		for _, r := range f.Records {
			earliest(e.expiries, r, since[c.Moment])
		}
	})
}

func earliest[K comparable](since map[K]int, key K, moment int) {
	if first, ok := since[key]; !ok || moment < first {
		since[key] = moment
	}
}

// was reports whether something was so at a moment, or before.
func was[K comparable](since map[K]int, key K, moment int) bool {
	first, ok := since[key]
	return ok && first <= moment
}

// isNew counts a state at a moment unless it was counted before.
func (e *exploration) isNew(c disk.Crash) bool {
	var h maphash.Hash
	h.SetSeed(e.seed)
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&h, "%s %d\n", name, len(c.Files[name]))
		_, _ = h.Write(c.Files[name])
	}
	sum := h.Sum64() ^ uint64(c.Moment)*0x9e3779b97f4a7c15 // what must be there depends on the moment
	if e.seen[sum] {
		return false
	}
	e.seen[sum] = true
	e.states++
	return true
}

// each has the surveyors look at crashes, and calls then with each finding.
func (e *exploration) each(crashes iter.Seq[disk.Crash], then func(disk.Crash, *expectation, finding)) {
	type task struct {
		crash    disk.Crash
		expected *expectation
	}
	tasks := make(chan task)
	var workers sync.WaitGroup
	for i, s := range e.surveyors {
		workers.Go(func() {
			dir := filepath.Join(e.dir, fmt.Sprint(i))
			for task := range tasks {
				f := finding{}
				if err := write(dir, task.crash.Files); err != nil {
					f.Problem = err.Error()
				} else {
					f = look(s, dir)
				}
				e.mu.Lock()
				then(task.crash, task.expected, f)
				e.mu.Unlock()
			}
		})
	}
	moment, expected := -1, expectNothing()
	for c := range crashes {
		if c.Moment != moment {
			var err error
			expected, err = expectAfter(e.log.Notes(c.Moment))
			require.NoError(e.t, err)
			moment = c.Moment
		}
		if e.found() {
			break
		}
		tasks <- task{c, expected}
	}
	close(tasks)
	workers.Wait()
}

// write makes dir one that has these files alone.
func write(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// contentKey is what there is, whenever it expires.
func contentKey(f finding) string {
	var key strings.Builder
	for _, r := range f.Records {
		fmt.Fprintf(&key, "%s %d %q\n", r.ID, r.Version, r.Owner)
	}
	return key.String()
}

// found reports whether enough is known.
func (e *exploration) found() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.control && e.badness >= 5
}

func problem(expected *expectation, f finding) string {
	if f.Problem != "" {
		return f.Problem
	}
	return expected.judge(f.Records)
}

func (e *exploration) judge(c disk.Crash, expected *expectation, f finding) {
	problem := problem(expected, f)
	if problem == "" && !was(e.contents, contentKey(f), c.Moment) {
		problem = "the records were never together like that"
	}
	for _, r := range f.Records {
		if problem == "" && !was(e.expiries, r, c.Moment) {
			problem = fmt.Sprintf("version %d of record %s never expired at %d", r.Version, r.ID, r.Expires)
		}
	}
	if problem != "" {
		e.report(c, problem)
	}
}

// report keeps the first bad states for whoever wants to look at them.
func (e *exploration) report(c disk.Crash, problem string) {
	e.badness++
	if len(e.bad) == 3 {
		return
	}
	kept := "not kept"
	if !e.control {
		dir, err := os.MkdirTemp("", "gimlet-torture-bad-*")
		if err == nil {
			err = write(filepath.Join(dir, "state"), c.Files)
		}
		if kept = "kept in " + dir; err != nil {
			kept = err.Error()
		}
	}
	e.bad = append(e.bad, fmt.Sprintf("moment %d: %.500s (%s)", c.Moment, problem, kept))
}
