package gimlet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/memory"
)

// aheadBy is a session of alice as a clock that was ahead has written it.
func aheadBy(t *testing.T, m *Manager, d time.Duration) *Session {
	t.Helper()
	s := m.Begin(t.Context())
	require.NoError(t, s.Login(t.Context(), "alice"))
	require.NoError(t, s.Commit(t.Context()))
	next, shift := s.state, d.Milliseconds()
	for _, at := range []*int64{&next.created, &next.started, &next.renewed, &next.seen, &next.ends} {
		*at += shift
	}
	next.version++
	require.NoError(t, m.saveRecord(t.Context(), next.record(s.token.id)))
	token, err := s.Token()
	require.NoError(t, err)
	ahead, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	return ahead
}

// A login by a clock that was set back since is not fresh until its time has
// come again. What the clocks of two servers may differ does not matter.
func TestFresh_clockSetBack(t *testing.T) {
	m, err := New(memory.New())
	require.NoError(t, err)
	defer m.Close()
	for ahead, fresh := range map[time.Duration]bool{0: true, 5 * time.Second: true, time.Minute: false, 40 * time.Hour: false} {
		s := aheadBy(t, m, ahead)
		require.Equal(t, fresh, s.Fresh(time.Hour), "ahead by %v", ahead)
	}
}

// A ticket lives as long as was asked for, also when the session began by a
// clock that was set back since.
func TestTicket_clockSetBack(t *testing.T) {
	m, err := New(memory.New())
	require.NoError(t, err)
	defer m.Close()
	s := aheadBy(t, m, time.Hour)
	text, err := s.Ticket("p", time.Minute)
	require.NoError(t, err)
	_, err = m.Redeem(t.Context(), "p", text)
	require.NoError(t, err)
	b, _, err := m.ticketSealer("p").open(t.Context(), text, time.Now())
	require.NoError(t, err)
	var p payload
	require.NoError(t, p.read(b))
	require.LessOrEqual(t, p.ends, m.now()+time.Minute.Milliseconds())
}
