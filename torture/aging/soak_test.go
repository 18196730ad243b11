package aging_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

const (
	soakIdle = time.Hour
	soakLife = 4 * time.Hour
	soakUse  = 10 * time.Minute // more than a tenth of soakIdle: each use counts
)

// For a day, or a month, of a clock of its own sessions begin, are used, end by
// themselves or by a logout. Every now and then exactly those are there that should be,
// and at the end nothing: no record, no goroutine, no memory, and a small file.
func TestSoak(t *testing.T) {
	soaks := map[string]soak{"a day": {sessions: 28_800, every: 3 * time.Second}}
	if rig.Full() {
		soaks = map[string]soak{
			"a day":   {sessions: 86_400, every: time.Second},
			"a month": {sessions: 86_400, every: 30 * time.Second},
		}
	}
	for name, s := range soaks {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			goroutines := runtime.NumGoroutine()
			path := filepath.Join(rig.MemoryDir(t), "sessions.db")
			synctest.Test(t, func(t *testing.T) { s.run(t, bolt.Open(path), path) })
			require.Empty(t, s.problem)
			require.Positive(t, s.late)
			for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
				require.True(t, time.Now().Before(end), "a goroutine is left") // one may be about to end
			}
			require.Less(t, s.fileSize, int64(s.most)*4096+16<<20)
			require.Less(t, s.heap, int64(16<<20))
			rig.Figures(t, began, "%d sessions, %d uses, %d logouts, at most %d at a time, %d swept; the file had %d KiB at most, "+
				"the heap %d KiB more at the end than after an eighth of the time",
				s.sessions, s.uses, s.logouts, s.most, s.swept, s.fileSize>>10, s.heap>>10)
		})
	}
}

// A store that forgets when sessions were used is found out.
func TestSoak_control(t *testing.T) {
	s := soak{sessions: 2000, every: 20 * time.Second}
	path := filepath.Join(rig.MemoryDir(t), "sessions.db")
	synctest.Test(t, func(t *testing.T) { s.run(t, forgetful{bolt.Open(path)}, path) })
	require.NotEmpty(t, s.problem)
	t.Log(s.problem)
}

type forgetful struct{ store.Store }

func (forgetful) Touch(context.Context, store.ID, time.Time) error { return nil }

// A soak has one session begin after the other.
type soak struct {
	sessions int
	every    time.Duration

	problem  string // the first
	t        *testing.T
	m        *gimlet.Manager
	path     string
	due      map[time.Time][]*soaked // uses to come
	ends     map[time.Time]int       // how many sessions end then
	started  time.Time
	events   map[gimlet.EventKind]int
	alive    int
	late     int // uses of what had expired
	uses     int
	logouts  int
	swept    uint64
	most     int
	fileSize int64
	heap     int64
}

// A soaked session is one that is used some more times.
type soaked struct {
	token  string
	begun  time.Time
	ends   time.Time
	uses   int
	logout bool // with its last use
}

func (s *soak) run(t *testing.T, into store.Store, path string) {
	s.t, s.path = t, path
	s.started = time.Now()
	s.events = map[gimlet.EventKind]int{}
	s.due, s.ends = map[time.Time][]*soaked{}, map[time.Time]int{}
	m, err := gimlet.New(into, gimlet.WithIdleTimeout(soakIdle), gimlet.WithLifetime(soakLife), gimlet.WithCache(1<<20),
		gimlet.WithEvents(func(_ context.Context, e gimlet.Event) { s.events[e.Kind]++ }))
	require.NoError(t, err)
	defer m.Close()
	s.m = m
	baseline := int64(0)
	for n := range s.sessions {
		s.tick()
		s.begin(n)
		if n%(s.sessions/24) == s.sessions/24-1 {
			s.look()
		}
		if n == s.sessions/8 {
			baseline = heapInUse()
		}
		time.Sleep(s.every)
	}
	s.heap = heapInUse() - baseline
	for range int((soakLife + soakIdle) / s.every) {
		s.tick()
		time.Sleep(s.every)
	}
	s.look()
	_, err = m.Sweep(t.Context())
	require.NoError(t, err)
	s.swept = m.Stats().Swept
	// The end of a session by logout leaves a record that has expired.
	s.expect("swept", s.sessions, int(s.swept))
	s.expect("left", 0, s.alive)
	s.expect("events of a beginning", s.sessions, s.events[gimlet.EventCreated])
	s.expect("events of an end", s.logouts, s.events[gimlet.EventEnded])
	s.expect("events of a use too late", s.late, s.events[gimlet.EventRejected])
	require.NoError(t, m.Close())
}

// expect notes a problem if a number is not what it should be.
func (s *soak) expect(what string, want, got int) {
	if want != got && s.problem == "" {
		s.problem = fmt.Sprintf("%s, after %v: %d, not %d", what, time.Since(s.started), got, want)
	}
}

// tick does what is due now.
func (s *soak) tick() {
	now := time.Now()
	s.alive -= s.ends[now]
	delete(s.ends, now)
	for _, u := range s.due[now] {
		s.use(u)
	}
	delete(s.due, now)
}

// begin begins the n-th session. Some are never used again, some a few times, some until
// their lifetime ends, and some are ended.
func (s *soak) begin(n int) {
	ctx := context.Background()
	h := s.m.Begin(ctx)
	h.Set("n", n)
	require.NoError(s.t, h.Commit(ctx))
	token, err := h.Token()
	require.NoError(s.t, err)
	u := &soaked{token: token, begun: time.Now()}
	switch {
	case n%32 == 0:
		u.uses = int(soakLife / soakUse)
	case n%4 == 1:
		u.uses = 2
	case n%4 == 2:
		u.uses, u.logout = 1, true
	}
	s.alive++
	s.most = max(s.most, s.alive)
	s.used(u)
}

// used notes when a session ends that is used now, and when it is used next.
func (s *soak) used(u *soaked) {
	now := time.Now()
	if !u.ends.IsZero() {
		s.ends[u.ends]--
	}
	u.ends = now.Add(soakIdle)
	if last := u.begun.Add(soakLife); last.Before(u.ends) {
		u.ends = last
	}
	s.ends[u.ends]++
	if u.uses > 0 {
		u.uses--
		s.due[now.Add(soakUse)] = append(s.due[now.Add(soakUse)], u)
	}
}

func (s *soak) use(u *soaked) {
	ctx := context.Background()
	h, err := s.m.Load(ctx, u.token)
	if !time.Now().Before(u.ends) {
		require.ErrorIs(s.t, err, gimlet.ErrNoSession)
		s.late++
		return
	}
	if err != nil {
		s.expect("errors of a use", 0, 1)
		return
	}
	s.uses++
	if u.logout {
		require.NoError(s.t, h.Destroy(ctx))
		s.ends[u.ends]--
		s.alive--
		s.logouts++
		return
	}
	_ = h.Get("n")
	require.NoError(s.t, h.Commit(ctx))
	s.used(u)
}

// look counts the sessions that are there, and the bytes of the file.
func (s *soak) look() {
	s.t.Helper()
	n := 0
	for _, err := range s.m.Sessions(context.Background(), "") {
		require.NoError(s.t, err)
		n++
	}
	s.expect("alive", s.alive, n)
	info, err := os.Stat(s.path)
	require.NoError(s.t, err)
	s.fileSize = max(s.fileSize, info.Size())
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
