package gimlet_test

import (
	"net/http"
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
	_, err := s.Ticket("p\x00q", time.Minute)
	require.ErrorContains(t, err, "NUL")
	require.NoError(t, s.Renew(t.Context()))
	_, err = s.Ticket("p", time.Minute)
	require.ErrorContains(t, err, "Commit it first")
	require.NoError(t, s.Destroy(t.Context()))
	_, err = s.Ticket("p", time.Minute)
	require.ErrorIs(t, err, gimlet.ErrNoSession)
}

// A session whose token is about to be renewed gives no ticket that would end
// with the old one: after a Commit there is one that lasts.
func TestTicket_whenRenewalIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithRenewal(time.Hour, time.Minute))
		site := newLocal(t, m)
		var ticket string
		site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
		site.do("/ticket", func(s *gimlet.Session) {
			_, err := s.Ticket("p", time.Hour)
			require.ErrorContains(t, err, "Commit it first")
			require.NoError(t, s.Commit(t.Context()))
			ticket, err = s.Ticket("p", time.Hour)
			require.NoError(t, err)
		})
		b := site.browser()
		b.ok("/begin")
		time.Sleep(90 * time.Minute)
		b.ok("/ticket")
		time.Sleep(59 * time.Minute)
		_, err := m.Redeem(t.Context(), "p", ticket)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = m.Redeem(t.Context(), "p", ticket)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
	})
}

// WithBinding is about cookies: tickets and tokens are good from anywhere.
func TestTicket_fromAnywhere(t *testing.T) {
	m := newManager(t, gimlet.WithBinding(func(r *http.Request) string { return r.FormValue("from") }))
	site := newSite(t, m)
	var ticket, token string
	site.do("/begin", func(s *gimlet.Session) { s.Set("a", 1) })
	site.do("/ticket", func(s *gimlet.Session) {
		var err error
		ticket, err = s.Ticket("p", time.Hour)
		require.NoError(t, err)
		token, err = s.Token()
		require.NoError(t, err)
	})
	site.on("/redeem", func(_ *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
		_, err := m.Redeem(r.Context(), "p", ticket)
		require.NoError(t, err)
		_, err = m.Load(r.Context(), token)
		require.NoError(t, err)
	})
	b := site.browser()
	b.ok("/begin?from=home")
	b.ok("/ticket?from=home")
	site.browser().ok("/redeem?from=away")
}
