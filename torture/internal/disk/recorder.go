package disk

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
)

// NotesFile is the name of the file into which a program writes what it has to
// say, a line at a time. It is in no image of the disk: what is written to it
// are notes in the log, so that their order among the other operations is known.
const NotesFile = "notes"

// A Recorder writes a [Log]. It is safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex
	log   Log
	clock int
	names map[string]int // as the programs see them
	files int
	line  string // the beginning of a note
}

// NewRecorder begins a log with files that are durable. It keeps start.
func NewRecorder(start map[string][]byte) *Recorder {
	names := numbers(start)
	return &Recorder{log: Log{Start: start}, names: names, files: len(names)}
}

// Log returns the log so far. What is recorded later is not in it.
func (r *Recorder) Log() *Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Log{Start: r.log.Start, Ops: slices.Clone(r.log.Ops), End: r.clock}
}

// File returns the number of the file that has a name, or 0.
func (r *Recorder) File(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name]
}

// Names returns the names that there are, and their files.
func (r *Recorder) Names() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.names)
}

// Begin records that a write, a resize or a sync was asked for. The function that it
// returns records how it ended.
func (r *Recorder) Begin(op Op) (end func(failed bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.add(op)
	r.log.Ops[i].End = math.MaxInt // until it has
	return func(failed bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.clock++
		r.log.Ops[i].End, r.log.Ops[i].Failed = r.clock, failed
	}
}

// Do records something that was done at once.
func (r *Recorder) Do(op Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(op)
}

// Note records the lines of text. The beginning of a line is kept until its end is
// there.
func (r *Recorder) Note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(text) {
		r.line += line
		if whole, ok := strings.CutSuffix(r.line, "\n"); ok {
			r.add(Op{Kind: Note, Text: whole})
			r.line = ""
		}
	}
}

// Forget forgets the beginning of a note, which a program has left that has died.
func (r *Recorder) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line = ""
}

// Create records a new and empty file, and returns its number.
func (r *Recorder) Create(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files++
	r.rename(map[string]int{name: r.files})
	return r.files
}

// Rename records that a file has another name.
func (r *Recorder) Rename(from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rename(map[string]int{from: 0, to: r.names[from]})
}

// Remove records that a name is gone.
func (r *Recorder) Remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rename(map[string]int{name: 0})
}

func (r *Recorder) rename(names map[string]int) {
	for name, file := range names {
		if r.names[name] = file; file == 0 {
			delete(r.names, name)
		}
	}
	r.add(Op{Kind: Rename, Names: names})
}

func (r *Recorder) add(op Op) int {
	r.clock++
	op.Begin, op.End = r.clock, r.clock
	op.Data = bytes.Clone(op.Data)
	r.log.Ops = append(r.log.Ops, op)
	return len(r.log.Ops) - 1
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
