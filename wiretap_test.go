package gimlet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// A transcript is what was told, line by line. Each line is kept once, with
// the test that heard it first, if that is known.
type transcript struct {
	mu    sync.Mutex
	lines map[string]string
	bytes int
	times map[string]int // that something was told, by who told it
}

func (n *transcript) add(test, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lines == nil {
		n.lines = make(map[string]string)
	}
	lines := strings.Lines(text)
	if !utf8.ValidString(text) { // a byte of a secret may be a line end
		lines = slices.Values([]string{text})
	}
	for line := range lines {
		line = strings.TrimSuffix(line, "\n")
		if _, ok := n.lines[line]; !ok {
			n.lines[strings.Clone(line)] = test
			n.bytes += len(line)
		}
	}
}

// take returns the lines since the last take.
func (n *transcript) take() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines, n.bytes = nil, 0
	return lines
}

func (n *transcript) size() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.bytes
}

// tell counts that somebody has told something.
func (n *transcript) tell(who string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.times == nil {
		n.times = make(map[string]int)
	}
	n.times[who]++
}

// told is how often somebody has told something.
func (n *transcript) told(who string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.times[who]
}

// A wiretap writes down all that a program is told besides its answers: log
// records with what is inside their attributes, events, and errors down to
// their causes.
type wiretap struct {
	who  string // speaks
	test string
	to   []*transcript

	mu   sync.Mutex
	kind map[gimlet.EventKind]bool
}

// newTap returns a wiretap that writes into a transcript of its own.
func newTap() (*wiretap, *transcript) {
	n := &transcript{}
	return &wiretap{to: []*transcript{n}}, n
}

func (w *wiretap) write(text string) {
	for _, n := range w.to {
		n.add(w.test, text)
	}
}

// heard counts what is heard.
func (w *wiretap) heard() {
	for _, n := range w.to {
		n.tell(w.who)
	}
}

// Write makes a wiretap the end of a log.Logger.
func (w *wiretap) Write(p []byte) (int, error) {
	w.heard()
	w.write(string(p))
	return len(p), nil
}

// print writes v down as each verb shows it. Of texts and IDs one verb shows
// all there is.
func (w *wiretap) print(v any) {
	switch v := v.(type) {
	case string:
		w.write(v)
	case store.ID:
		w.write(v.String())
	case time.Time, time.Duration, bool:
	default:
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			w.write(fmt.Sprintf(verb, v))
		}
	}
}

// fields prints a struct field by field, so that what is the same in many of
// them is kept once.
func (w *wiretap) fields(v any) {
	all := reflect.ValueOf(v)
	for i := range all.NumField() {
		if f := all.Field(i); f.CanInterface() {
			w.print(f.Interface())
		} else {
			w.print(v)
		}
	}
}

// error prints an error and its causes, each with its fields.
func (w *wiretap) error(err error) {
	if err == nil {
		return
	}
	w.print(err)
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range many.Unwrap() {
			w.error(err)
		}
	}
	w.error(errors.Unwrap(err))
}

func (w *wiretap) Enabled(context.Context, slog.Level) bool { return true }

func (w *wiretap) Handle(_ context.Context, r slog.Record) error {
	w.heard()
	w.print(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		w.attr(a)
		return true
	})
	return nil
}

// attr prints what a handler could show of an attribute, be it one that
// resolves values or not.
func (w *wiretap) attr(a slog.Attr) {
	w.print(a.Key)
	w.print(a.Value.Any())
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		w.print(value.Any())
		return
	}
	for _, inner := range value.Group() {
		w.attr(inner)
	}
}

func (w *wiretap) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		w.attr(a)
	}
	return w
}

func (w *wiretap) WithGroup(name string) slog.Handler {
	w.print(name)
	return w
}

func (w *wiretap) event(_ context.Context, e gimlet.Event) {
	w.heard()
	w.fields(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kind == nil {
		w.kind = make(map[gimlet.EventKind]bool)
	}
	w.kind[e.Kind] = true
}

func (w *wiretap) options() []gimlet.Option {
	return []gimlet.Option{gimlet.WithLogger(slog.New(w)), gimlet.WithEvents(w.event)}
}
