package gimlet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A ticket names its session for one purpose and a while: it is neither a
// token nor a cookie, nor a ticket for something else.
func TestTicket_onePurpose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		s := m.Begin(t.Context())
		_, err := s.Ticket("socket", time.Minute)
		require.Error(t, err, "nothing is saved yet")
		s.Set("a", 1)
		require.NoError(t, s.Commit(t.Context()))
		ticket, err := s.Ticket("socket", time.Minute)
		require.NoError(t, err)
		for range 2 {
			got, err := m.Redeem(t.Context(), "socket", ticket)
			require.NoError(t, err)
			require.Equal(t, 1, got.Get("a"))
			require.Equal(t, s.ID(), got.ID())
		}
		_, err = m.Redeem(t.Context(), "download", ticket)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		_, err = m.Load(t.Context(), ticket)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		token, err := s.Token()
		require.NoError(t, err)
		_, err = m.Redeem(t.Context(), "socket", token)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		_, err = m.Redeem(t.Context(), "socket", "garbage")
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		site := newLocal(t, m)
		site.do("/", func(s *gimlet.Session) { require.Zero(t, s.Len()) })
		b := site.browser()
		b.set(cookieNamed("__Host-id", "1"+ticket))
		b.ok("/")

		time.Sleep(time.Minute)
		_, err = m.Redeem(t.Context(), "socket", ticket)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		_, err = m.Load(t.Context(), token)
		require.NoError(t, err, "the session goes on")
	})
}

// It ends with the session, and with the next Login or Renew.
func TestTicket_endsWithSession(t *testing.T) {
	for name, end := range map[string]func(s *gimlet.Session) error{
		"renew":   func(s *gimlet.Session) error { return s.Renew(t.Context()) },
		"login":   func(s *gimlet.Session) error { return s.Login(t.Context(), "alice") },
		"destroy": func(s *gimlet.Session) error { return s.Destroy(t.Context()) },
	} {
		m := newManager(t)
		s := m.Begin(t.Context())
		s.Set("a", 1)
		require.NoError(t, s.Commit(t.Context()))
		ticket, err := s.Ticket("socket", time.Minute)
		require.NoError(t, err)
		require.NoError(t, end(s))
		require.NoError(t, s.Commit(t.Context()))
		_, err = m.Redeem(t.Context(), "socket", ticket)
		require.ErrorIs(t, err, gimlet.ErrNoSession, name)
	}
}

// What cannot have a ticket says why.
func TestTicket_refused(t *testing.T) {
	m := newManager(t)
	s := m.Begin(t.Context())
	s.Set("a", 1)
	require.NoError(t, s.Commit(t.Context()))
	for _, life := range []time.Duration{0, -1, 401 * 24 * time.Hour} {
		_, err := s.Ticket("p", life)
		require.ErrorContains(t, err, "Ticket: a life of")
	}
	require.NoError(t, s.Renew(t.Context()))
	_, err := s.Ticket("p", time.Minute)
	require.ErrorContains(t, err, "Commit it first")
	require.NoError(t, s.Destroy(t.Context()))
	_, err = s.Ticket("p", time.Minute)
	require.ErrorIs(t, err, gimlet.ErrNoSession)
}
