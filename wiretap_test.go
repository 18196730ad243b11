package gimlet_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/gimlet-go/gimlet"
)

// A wiretap keeps all that a program is told besides its answers: log records
// with what is inside their attributes, events, and errors down to their causes.
type wiretap struct {
	mu   sync.Mutex
	text strings.Builder
	kind map[gimlet.EventKind]bool
}

func (w *wiretap) print(v any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.text, "%v\n%+v\n%#v\n", v, v, v)
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
	w.print(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		w.print(a.Key)
		w.print(a.Value.Resolve().Any())
		return true
	})
	return nil
}

func (w *wiretap) WithAttrs([]slog.Attr) slog.Handler { return w }
func (w *wiretap) WithGroup(string) slog.Handler      { return w }

func (w *wiretap) event(_ context.Context, e gimlet.Event) {
	w.print(e)
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

// secrets are what nobody may be told, by what they are.
type secrets map[string]string

// add keeps a secret under its name and a number.
func (s secrets) add(what, secret string) {
	if strings.Trim(secret, "\x00") != "" {
		s[fmt.Sprint(what, " ", len(s))] = secret
	}
}

// forms are the ways in which a secret could be written.
func forms(secret string) []string {
	b := []byte(secret)
	list := []string{
		secret, hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
		strings.Trim(fmt.Sprint(b), "[]"), strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"),
		fmt.Sprintf("%q", secret), strings.Trim(fmt.Sprintf("%+q", secret), `"`),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		list = append(list, e.EncodeToString(b))
	}
	return list
}

// found returns which secrets are in a text, whole or by any part of about 15
// characters, in one of their forms.
func (s secrets) found(text string) (leaked []string) {
	for what, secret := range s {
		for _, form := range forms(secret) {
			part := len(form) * 10 / len(secret) // that occurs by chance: never
			hit := len(form) < part && strings.Contains(text, form)
			for i := 0; i+part <= len(form) && !hit; i += part / 2 {
				hit = strings.Contains(text, form[i:i+part])
			}
			if hit {
				leaked = append(leaked, what)
				break
			}
		}
	}
	return leaked
}
