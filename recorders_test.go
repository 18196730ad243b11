package gimlet_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

var errDisk = errors.New("the disk is on fire")

// A breakable store is one in memory whose methods fail while they are told to.
type breakable struct {
	store.Store
	loads, saves, touches, deletes fault
}

// A fault is the error that a method returns instead of doing its work.
type fault struct{ err atomic.Pointer[error] }

func (f *fault) set(err error) { f.err.Store(&err) }

func (f *fault) mend() { f.err.Store(nil) }

func (f *fault) get() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

func newBreakable() *breakable { return &breakable{Store: memory.New()} }

func (b *breakable) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := b.loads.get(); err != nil {
		return store.Record{}, err
	}
	return b.Store.Load(ctx, id)
}

func (b *breakable) Save(ctx context.Context, r store.Record) error {
	if err := b.saves.get(); err != nil {
		return err
	}
	return b.Store.Save(ctx, r)
}

func (b *breakable) Touch(ctx context.Context, id store.ID, expires time.Time) error {
	if err := b.touches.get(); err != nil {
		return err
	}
	return b.Store.Touch(ctx, id, expires)
}

func (b *breakable) Delete(ctx context.Context, id store.ID) error {
	if err := b.deletes.get(); err != nil {
		return err
	}
	return b.Store.Delete(ctx, id)
}

// newManagerOn opens a manager on s without a cache, so that every load
// reaches the store.
func newManagerOn(t testing.TB, s store.Store, opts ...gimlet.Option) *gimlet.Manager {
	t.Helper()
	m, err := gimlet.New(s, overheard(t, append([]gimlet.Option{gimlet.WithCache(0)}, opts...))...)
	require.NoError(t, err)
	t.Cleanup(func() {
		examine(t, m)
		require.NoError(t, m.Close())
	})
	return m
}

// newSiteInside is newSite with middleware around the manager's, over HTTP/1
// or HTTP/2.
func newSiteInside(t testing.TB, m *gimlet.Manager, http2 bool, around func(http.Handler) http.Handler) *site {
	t.Helper()
	s := &site{t: t, mux: http.NewServeMux()}
	s.handler = around(collect(m.Handler(s.mux)))
	server := httptest.NewUnstartedServer(s.handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = serverLog
	server.StartTLS()
	t.Cleanup(server.Close)
	s.URL, s.client = server.URL, server.Client()
	return s
}

func alone(next http.Handler) http.Handler { return next }

// An eventBook keeps the events of a manager.
type eventBook struct {
	mu     sync.Mutex
	events []gimlet.Event
}

func (b *eventBook) option() gimlet.Option {
	return gimlet.WithEvents(func(ctx context.Context, e gimlet.Event) {
		overhear("a manager with a book", "some test").event(ctx, e)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, e)
	})
}

// take returns the events since the last take.
func (b *eventBook) take() []gimlet.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events = nil
	return events
}

// kinds are the kinds of the events since the last take.
func (b *eventBook) kinds() []gimlet.EventKind {
	var kinds []gimlet.EventKind
	for _, e := range b.take() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// A logBook keeps what a manager logs, down to the debug level.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBook) option() gimlet.Option {
	return gimlet.WithLogger(slog.New(tee{slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})}))
}

// take returns the lines since the last take.
func (b *logBook) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := slices.Collect(bytes.Lines(bytes.Clone(b.buf.Bytes())))
	b.buf.Reset()
	var text []string
	for _, line := range lines {
		text = append(text, string(line))
	}
	return text
}
