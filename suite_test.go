package gimlet_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/gimlet-go/gimlet"
)

// The whole suite runs with a wiretap on all that the library tells, and what
// it has told is searched at the end for every secret that the suite has seen.
var suite = struct {
	told transcript
	kept vault
}{kept: vault{round: 64 << 20}}

// overhear returns a wiretap that writes down for the suite what somebody tells
// a test.
func overhear(who, test string) *wiretap {
	return &wiretap{who: who, test: test, to: []*transcript{&suite.told}}
}

// overheard are the options of a manager whose events the suite hears. What it
// logs goes to the default logger, which the suite hears as well.
func overheard(t testing.TB, opts []gimlet.Option) []gimlet.Option {
	return append([]gimlet.Option{gimlet.WithEvents(overhear("a manager", t.Name()).event)}, opts...)
}

// A tee is a log handler whose records the suite hears too.
type tee struct{ slog.Handler }

func (h tee) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(overhear("a logger", "some test").Handle(ctx, r), h.Handler.Handle(ctx, r))
}

func (h tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	overhear("a logger", "some test").WithAttrs(attrs)
	return tee{h.Handler.WithAttrs(attrs)}
}

func (h tee) WithGroup(name string) slog.Handler { return tee{h.Handler.WithGroup(name)} }

// examine has a manager tell about itself, and keeps its keys.
func examine(t testing.TB, m *gimlet.Manager) {
	tap := overhear("a manager's end", t.Name())
	tap.heard()
	tap.fields(m.Stats())
	tap.print(m)
	for _, key := range gimlet.RingKeys(m) {
		suite.kept.keep(secrets.add, "a key of the ring", string(key))
	}
	for _, key := range gimlet.EncryptionKeys(m) {
		suite.kept.keep(secrets.add, "a key that encrypts the ring", string(key))
	}
}

// collect keeps the cookies that come to a handler and those that it sends.
func collect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.Cookies() {
			suite.kept.keep(secrets.presented, "a cookie that a client sent", c.Value)
		}
		defer func() {
			for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
				suite.kept.keep(secrets.sealed, "a cookie", c.Value)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// collectPage keeps the token that a page may be, and what a page says that
// is an error.
func collectPage(t testing.TB, p page) {
	if p.StatusCode >= http.StatusBadRequest {
		tap := overhear("an error page", t.Name())
		tap.heard()
		tap.print(p.body)
	}
	if b, err := base64.RawURLEncoding.DecodeString(p.body); err == nil && len(b) == 36 {
		suite.kept.keep(secrets.add, "a CSRF token", p.body[6:]) // behind the ID of the ring key
		suite.kept.keep(secrets.add, "a CSRF token, decoded", string(b[4:]))
	}
}

// A dice is the source of random bytes. Session secrets, the tags of transient
// cookies and ring keys come from it, whoever makes the manager.
type dice struct{ io.Reader }

func (d dice) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	what := map[int]string{8: "the tag of a transient cookie", 16: "the secret of a session", 32: "a ring key"}[n]
	if what != "" {
		suite.kept.keep(secrets.add, what, string(p[:n]))
	}
	return n, err
}

// listen has the suite hear and keep everything from now on.
func listen() {
	slog.SetDefault(slog.New(overhear("the default logger", "some test")))
	rand.Reader = dice{rand.Reader}
	suite.kept.told = &suite.told
}

// tells reports whether a secret was told, or so little was heard in a run of
// the whole suite that nobody can have listened.
func tells() bool {
	leaks := suite.kept.search()
	for i, l := range leaks {
		if i == 20 {
			fmt.Fprintln(os.Stderr, len(leaks)-i, "more leaks")
			break
		}
		fmt.Fprintln(os.Stderr, l)
	}
	if !whole() {
		return len(leaks) > 0
	}
	missing := suite.kept.missing()
	if len(missing) > 0 {
		fmt.Fprintln(os.Stderr, "the suite was hardly listened to:", missing)
	}
	return len(leaks)+len(missing) > 0
}

// whole reports whether every test ran.
func whole() bool {
	for _, name := range []string{"run", "skip", "list", "fuzz"} {
		if flag.Lookup("test."+name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
