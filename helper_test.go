package gimlet_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// records counts the live sessions that have a record.
func records(t testing.TB, m *gimlet.Manager) int {
	t.Helper()
	n := 0
	for _, err := range m.Sessions(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	return n
}

// withFile runs f on a manager over the durable store, and closes it.
func withFile(t testing.TB, path string, f func(m *gimlet.Manager), opts ...gimlet.Option) {
	t.Helper()
	m, err := gimlet.New(bolt.Open(path), overheard(t, opts)...)
	require.NoError(t, err)
	f(m)
	examine(t, m)
	require.NoError(t, m.Close())
}

// keep makes a store outlive the managers that are opened on it, as a file or
// a server does.
type keep struct{ store.Store }

func (keep) Close() error { return nil }

// A gate holds a handler until the test opens it.
type gate struct {
	reached, open chan struct{}
	once          sync.Once
}

func newGate() *gate {
	return &gate{reached: make(chan struct{}), open: make(chan struct{})}
}

// wait is called by the handler.
func (g *gate) wait() {
	g.once.Do(func() { close(g.reached) })
	<-g.open
}

// A logBuffer keeps what is logged, at every level.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(tee{slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})})
}
