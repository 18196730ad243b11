package gimlet

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/memory"
)

// jumps are by how much a clock is wrong for a while.
var jumps = []time.Duration{-24 * time.Hour, -time.Hour, time.Hour, 24 * time.Hour, 72 * time.Hour, 3650 * 24 * time.Hour}

// A jumper is a browser with a session, in a bubble of a time of its own. What a clock
// that was wrong has written is what the session's record and cookie say.
type jumper struct {
	t      *testing.T
	m      *Manager
	s      *Session
	cookie *http.Cookie
}

const (
	jumpLife = 7 * 24 * time.Hour
	jumpIdle = 24 * time.Hour
)

// inJumpedTime calls f with a session that somebody uses.
func inJumpedTime(t *testing.T, f func(j *jumper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(10 * 365 * 24 * time.Hour) // the clock can be set back from here
		m, err := New(memory.New(), WithCookie(Cookie{Name: "s"}))
		require.NoError(t, err)
		defer m.Close()
		j := &jumper{t: t, m: m}
		require.True(t, j.use(func(s *Session) { s.Set("n", 1); require.NoError(t, s.Login(t.Context(), "alice")) }))
		f(j)
	})
}

// use sends a request, and reports whether there is a session after it.
func (j *jumper) use(handle func(*Session)) (alive bool) {
	j.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if j.cookie != nil {
		r.AddCookie(j.cookie)
	}
	w := httptest.NewRecorder()
	j.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		j.s = From(r)
		handle(j.s)
		alive = j.s.Get("n") == 1
	})).ServeHTTP(w, r)
	require.Equal(j.t, http.StatusOK, w.Code)
	for _, c := range w.Result().Cookies() {
		j.cookie = c
	}
	return alive
}

func (j *jumper) read() bool { return j.use(func(*Session) {}) }

// wrong makes the session what it is after a clock that was wrong by d has written
// some of its times.
func (j *jumper) wrong(d time.Duration, times func(*head) []*int64) {
	j.t.Helper()
	ctx := context.Background()
	rec, err := j.m.store.Load(ctx, j.s.token.id)
	require.NoError(j.t, err)
	var st state
	require.NoError(j.t, st.readRecord(rec))
	for _, at := range times(&st.head) {
		*at += d.Milliseconds()
	}
	st.version++
	require.NoError(j.t, j.m.saveRecord(ctx, st.record(j.s.token.id)))
	p := payload{head: st.head, token: j.s.token}
	p.set(flagStored, true)
	text, err := j.s.seal(j.m.cookies.main.sealer, p.append(nil), time.Now())
	require.NoError(j.t, err)
	j.cookie = &http.Cookie{Name: j.cookie.Name, Value: "1" + text}
}

func (j *jumper) forgetRevocations() {
	r := &j.m.revoked
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.byID)
	r.n.Store(0)
}

// outlives uses the session every some hours, and returns when it ends, from now on.
func (j *jumper) outlives(every time.Duration) time.Duration {
	began := time.Now()
	for time.Since(began) < 100*24*time.Hour && j.read() {
		time.Sleep(every)
	}
	return time.Since(began)
}

// What was begun before a jump ends when it would have: uses while the clock is wrong do
// not move it beyond its lifetime, and those before and after a jump do not end it.
func TestClockJump_usedMeanwhile(t *testing.T) {
	for _, d := range jumps {
		inJumpedTime(t, func(j *jumper) {
			j.wrong(d, func(h *head) []*int64 { return []*int64{&h.seen} })
			if d < 0 && -d >= jumpIdle {
				require.False(t, j.read(), "by %v: not used for so long, the clock says", d)
				return
			}
			lived := j.outlives(5 * time.Hour)
			require.GreaterOrEqual(t, lived, jumpLife-5*time.Hour, "by %v", d)
			require.LessOrEqual(t, lived, jumpLife+5*time.Hour, "by %v", d)
		})
	}
}

// A use after the clock was put right ends what a use while it was ahead has begun:
// without further uses the session is idle as always.
func TestClockJump_idleAgain(t *testing.T) {
	for _, d := range jumps {
		if d < 0 {
			continue
		}
		inJumpedTime(t, func(j *jumper) {
			j.wrong(d, func(h *head) []*int64 { return []*int64{&h.seen} })
			require.True(t, j.read())
			touches, cookie := j.m.Stats().Touches, j.cookie.Value
			for range 10 {
				require.True(t, j.read())
			}
			require.Equal(t, cookie, j.cookie.Value)
			require.Equal(t, touches, j.m.Stats().Touches, "once is enough")
			time.Sleep(jumpIdle + jumpIdle/10 + time.Second)
			require.False(t, j.read(), "by %v", d)
		})
	}
}

// What was begun, or signed in to, while the clock was ahead lives longer by no more
// than clocks may differ, and what is farther away not at all.
func TestClockJump_begunMeanwhile(t *testing.T) {
	begun := func(h *head) []*int64 { return []*int64{&h.created, &h.started, &h.renewed, &h.seen, &h.ends} }
	login := func(h *head) []*int64 { return []*int64{&h.started, &h.renewed, &h.seen, &h.ends} }
	for _, d := range jumps {
		for name, times := range map[string]func(*head) []*int64{"begun": begun, "login": login} {
			if d < 0 {
				continue
			}
			inJumpedTime(t, func(j *jumper) {
				j.wrong(d, times)
				lived := j.outlives(5 * time.Hour)
				if d > maxSkew {
					require.Zero(t, lived, "%s, by %v", name, d)
					return
				}
				require.GreaterOrEqual(t, lived, jumpLife, "%s, by %v", name, d)
				require.LessOrEqual(t, lived, jumpLife+d+5*time.Hour, "%s, by %v", name, d)
			})
		}
	}
}

// A token of the record alone is held to the same.
func TestClockJump_record(t *testing.T) {
	inJumpedTime(t, func(j *jumper) {
		text, err := j.s.Token()
		require.NoError(t, err)
		j.wrong(72*time.Hour, func(h *head) []*int64 { return []*int64{&h.started, &h.ends} })
		_, err = j.m.Load(t.Context(), text)
		require.ErrorIs(t, err, ErrNoSession)
	})
}

// A renewal is due by its schedule though a clock that was ahead has made the last one,
// and what that has left of the token before is not good until its time has come again.
func TestClockJump_renewal(t *testing.T) {
	for _, d := range jumps {
		inJumpedTime(t, func(j *jumper) {
			j.m.cfg.renewEvery, j.m.cfg.grace = time.Minute, time.Minute
			old := *j.cookie
			time.Sleep(time.Minute)
			require.True(t, j.read())
			require.NotEqual(t, old.Value, j.cookie.Value)
			rec, err := j.m.store.Load(t.Context(), j.s.token.id)
			require.NoError(t, err)
			var st state
			require.NoError(t, st.readRecord(rec))
			st.renewed += d.Milliseconds()
			st.prev.until += d.Milliseconds()
			st.version++
			require.NoError(t, j.m.saveRecord(t.Context(), st.record(j.s.token.id)))
			time.Sleep(30 * time.Second)
			newer := *j.cookie
			if d > 0 {
				time.Sleep(time.Minute) // past the grace
				j.cookie = &old
				require.False(t, j.read(), "by %v", d)
				j.cookie = &newer
			}
			tokens := map[string]bool{}
			for range 4 {
				require.True(t, j.read())
				tokens[j.cookie.Value] = true
				time.Sleep(time.Minute)
			}
			require.GreaterOrEqual(t, len(tokens), 3, "by %v", d)
			j.cookie = &old
			require.False(t, j.read(), "by %v", d)
		})
	}
}

// A session that lives in its cookie alone stays ended though a clock that was ahead
// has had its end forgotten.
func TestClockJump_endedStaysEnded(t *testing.T) {
	for _, d := range jumps {
		inJumpedTime(t, func(j *jumper) {
			j.m.cfg.cookieOnly, j.cookie = 4000, nil
			require.True(t, j.use(func(s *Session) { s.Set("n", 1); s.SetLifetime(time.Hour) }))
			kept := *j.cookie
			require.False(t, j.use(func(s *Session) { require.NoError(t, s.Destroy(t.Context())) }))
			for range 2 {
				ahead := time.Now().Add(min(d, maxSkew)) // what is farther away forgets
				j.m.revoked.forget(ahead.UnixMilli())
				_, err := j.m.store.Sweep(t.Context(), ahead, 100)
				require.NoError(t, err)
				j.forgetRevocations() // as a restart does
				require.NoError(t, j.m.loadRevocations(t.Context()))
				j.cookie = &kept
				require.False(t, j.read(), "by %v", d)
				time.Sleep(50 * time.Minute)
			}
		})
	}
}
