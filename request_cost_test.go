package gimlet_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// What requests cost, from the outermost layer on: the same requests are
// benchmarks, and have their allocations counted.
var (
	costVisits = gimlet.NewKey[int]("visits")
	costName   = gimlet.NewKey[string]("name")
	costTheme  = gimlet.NewKey[string]("theme", gimlet.ClientSide)
)

var requestCosts = []struct {
	name   string
	handle func(s *gimlet.Session)
	allocs float64 // at most
}{
	// The request with its session, and net/http's copy that carries it.
	{"untouched", func(*gimlet.Session) {}, 2},
	// What a session holds once it is used, and the string.
	{"read 2 of 5", func(s *gimlet.Session) { costVisits.Get(s); costName.Get(s) }, 4},
	// One more for each that is read as any.
	{"read as any", func(s *gimlet.Session) { s.Get("visits"); s.Get("name") }, 6},
	{"read client-side", func(s *gimlet.Session) { costTheme.Get(s) }, 4},
	{"read client-side and store", func(s *gimlet.Session) { costTheme.Get(s); costVisits.Get(s) }, 4},
	// Mostly 29, with those of the writer and the cache, which many would share, and some of
	// what is done now and then.
	{"write", func(s *gimlet.Session) { costVisits.Update(s, func(n int) int { return n + 1 }) }, 34},
}

type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

// costSessions is how many sessions are written to by many clients.
const costSessions = 10_000

// BenchmarkWrites is what a save costs, and where, when 64 clients save at the
// same time, each one of 10,000 sessions, with a journal and without, and when
// one client does.
func BenchmarkWrites(b *testing.B) {
	b.Run("journal", func(b *testing.B) { benchmarkWrites(b, 64) })
	b.Run("without", func(b *testing.B) { benchmarkWrites(b, 64, bolt.WithJournal(0)) })
	b.Run("one_client", func(b *testing.B) { benchmarkWrites(b, 1) })
}

func benchmarkWrites(b *testing.B, clients int, options ...bolt.Option) {
	m, err := gimlet.New(bolt.Open(b.TempDir()+"/sessions.db", options...))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, m.Close()) })
	requests := make([]*http.Request, costSessions)
	var next atomic.Int64
	var fill sync.WaitGroup
	for range 64 {
		fill.Go(func() {
			for i := int(next.Add(1)) - 1; i < costSessions; i = int(next.Add(1)) - 1 {
				requests[i] = begunWith(m)
			}
		})
	}
	fill.Wait()
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		costVisits.Update(gimlet.From(r), func(n int) int { return n + 1 })
	}))
	var left atomic.Int64
	left.Store(int64(b.N))
	var work sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range clients {
		work.Go(func() {
			w := &nullWriter{header: http.Header{}}
			for i := int(next.Add(997)); left.Add(-1) >= 0; i += 7919 {
				clear(w.header)
				h.ServeHTTP(w, requests[i%costSessions])
			}
		})
	}
	work.Wait()
}

// begunWith begins a session of five values, about 300 bytes, and returns its next
// request.
func begunWith(m *gimlet.Manager) *http.Request {
	begin := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := gimlet.From(r)
		costVisits.Set(s, 5)
		costName.Set(s, "Ada Lovelace")
		costTheme.Set(s, "dark")
		s.Set("cart", []int{1, 2, 3, 4, 5, 6, 7, 8})
		s.Set("agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120")
		s.Set("note", "some more text that makes the session about three hundred bytes long, as many of them are")
	})).ServeHTTP(begin, httptest.NewRequest("GET", "https://example.test/", nil))
	r := httptest.NewRequest("GET", "https://example.test/", nil)
	for _, c := range begin.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

// costly returns what runs a handler once, as a request of a session that the
// cache has.
func costly(tb testing.TB, handle func(s *gimlet.Session)) func() {
	m, err := gimlet.New(bolt.Open(tb.TempDir() + "/sessions.db"))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, m.Close()) })
	r := begunWith(m)
	w := &nullWriter{header: http.Header{}}
	serve := func(h http.Handler) { clear(w.header); h.ServeHTTP(w, r) }
	read := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(tb, "Ada Lovelace", gimlet.From(r).Get("name"))
	}))
	for m.Stats().Cache.Hits < 3 { // the library under the cache takes its time
		serve(read)
	}
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handle(gimlet.From(r)) }))
	return func() { serve(h) }
}

func BenchmarkRequest(b *testing.B) {
	for _, c := range requestCosts {
		b.Run(c.name, func(b *testing.B) {
			once := costly(b, c.handle)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

func TestRequest_allocations(t *testing.T) {
	for _, c := range requestCosts {
		t.Run(c.name, func(t *testing.T) {
			require.LessOrEqual(t, testing.AllocsPerRun(2000, costly(t, c.handle)), c.allocs)
		})
	}
}
