package gimlet_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// newToken returns the token of a new session whose n is 1.
func newToken(t *testing.T, m *gimlet.Manager) (*gimlet.Session, string) {
	t.Helper()
	s := m.Begin(t.Context())
	s.Set("n", 1)
	s.Set("c", 2, gimlet.ClientSide)
	require.NoError(t, s.Commit(t.Context()))
	token, err := s.Token()
	require.NoError(t, err)
	return s, token
}

// Without HTTP, Begin makes a session, Commit saves it, Token names it, and
// Load opens it again with both kinds of values.
func TestLoad_roundTrip(t *testing.T) {
	m := newManager(t)
	s, token := newToken(t, m)
	require.True(t, s.IsNew())
	again, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	require.NotSame(t, s, again)
	require.False(t, again.IsNew())
	require.Equal(t, s.ID(), again.ID())
	require.Equal(t, 1, again.Get("n"))
	require.Equal(t, 2, again.Get("c"))
	again.Set("n", 3)
	require.NoError(t, again.Login(t.Context(), "ann"))
	require.NoError(t, again.Commit(t.Context()))
	token, err = again.Token()
	require.NoError(t, err)
	third, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, 3, third.Get("n"))
	require.Equal(t, "ann", third.Owner())
	require.NotContains(t, token, third.ID().String())
}

// Nothing is saved before Commit.
func TestLoad_beginSavesNothing(t *testing.T) {
	m := newManager(t)
	before := m.Stats()
	s := m.Begin(t.Context())
	s.Set("n", 1)
	require.Equal(t, 1, s.Get("n"))
	require.Equal(t, before, m.Stats())
}

// A token can be had only of a session that it would name as it is: not
// before the first save, not between Renew or Login and Commit, not without a
// session.
func TestLoad_tokenErrors(t *testing.T) {
	ctx := t.Context()
	m := newManager(t)
	s := m.Begin(ctx)
	_, err := s.Token()
	require.ErrorContains(t, err, "Commit")
	require.NoError(t, s.Commit(ctx))
	_, err = s.Token()
	require.NoError(t, err)

	for name, change := range map[string]func() error{
		"Renew":  func() error { return s.Renew(ctx) },
		"Login":  func() error { return s.Login(ctx, "ann") },
		"client": func() error { s.Set("c", "new", gimlet.ClientSide); return nil },
	} {
		require.NoError(t, change(), name)
		_, err = s.Token()
		require.ErrorContains(t, err, "Commit", name)
		require.NoError(t, s.Commit(ctx), name)
		_, err = s.Token()
		require.NoError(t, err, name)
	}
	require.NoError(t, s.Err())

	require.NoError(t, s.Destroy(ctx))
	_, err = s.Token()
	require.ErrorIs(t, err, gimlet.ErrNoSession)
}

// Inside a request a token can be had after Commit, with a record or without.
func TestLoad_tokenInsideARequest(t *testing.T) {
	for _, opts := range [][]gimlet.Option{nil, {gimlet.WithCookieOnly(2000)}} {
		m := newManager(t, opts...)
		var token string
		site := newLocal(t, m).on("/", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			_, err := s.Token()
			require.ErrorIs(t, err, gimlet.ErrNoSession)
			s.Set("n", 1)
			_, err = s.Token()
			require.ErrorContains(t, err, "Commit")
			require.NoError(t, s.Commit(r.Context()))
			token, err = s.Token()
			require.NoError(t, err)
		})
		require.Len(t, site.browser().ok("/").Header["Set-Cookie"], 1)
		s, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, 1, s.Get("n"))
	}
}

// A token that names no live session gives ErrNoSession and nothing else, so
// that nobody learns why; the event says it. Nothing is created.
func TestLoad_refused(t *testing.T) {
	shared := memory.New()
	var events eventBook
	m, err := gimlet.New(keep{shared}, events.option())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	other, err := gimlet.New(keep{shared}, gimlet.WithName("other"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })

	_, good := newToken(t, m)
	_, foreign := newToken(t, newManager(t))
	_, otherName := newToken(t, other)
	revoked, revokedToken := newToken(t, m)
	require.NoError(t, m.Revoke(t.Context(), revoked.ID()))
	newPlain := func() (*gimlet.Session, string) { // its cookies say nothing without the record
		s := m.Begin(t.Context())
		s.Set("n", 1)
		require.NoError(t, s.Commit(t.Context()))
		token, err := s.Token()
		require.NoError(t, err)
		return s, token
	}
	renewed, stale := newPlain()
	require.NoError(t, renewed.Renew(t.Context()))
	require.NoError(t, renewed.Commit(t.Context()))
	destroyed, gone := newPlain()
	require.NoError(t, destroyed.Destroy(t.Context()))

	raw, err := base64.RawURLEncoding.DecodeString(good)
	require.NoError(t, err)
	forged := bytes.Clone(raw)
	forged[len(forged)-1] ^= 1

	tests := map[string]struct {
		token  string
		reason gimlet.Reason
	}{
		"empty":        {"", gimlet.ReasonMalformed},
		"garbage":      {"garbage", gimlet.ReasonMalformed},
		"not base64":   {"%%%", gimlet.ReasonMalformed},
		"zeros":        {strings.Repeat("A", 200), gimlet.ReasonMalformed},
		"huge":         {strings.Repeat("A", 40<<20), gimlet.ReasonMalformed},
		"short":        {good[:80], gimlet.ReasonTampered},
		"forged":       {base64.RawURLEncoding.EncodeToString(forged), gimlet.ReasonTampered},
		"padded":       {good + "=", gimlet.ReasonMalformed},
		"foreign key":  {foreign, gimlet.ReasonStaleKey},
		"foreign name": {otherName, gimlet.ReasonStaleKey},
		"revoked":      {revokedToken, gimlet.ReasonRevoked},
		"renewed":      {stale, gimlet.ReasonStale},
		"destroyed":    {gone, gimlet.ReasonUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			events.take()
			before := m.Stats()
			s, err := m.Load(t.Context(), test.token)
			require.Nil(t, s)
			require.Equal(t, gimlet.ErrNoSession, err)
			got := events.take()
			require.Len(t, got, 1)
			require.Equal(t, gimlet.EventRejected, got[0].Kind)
			require.Equal(t, test.reason, got[0].Reason)
			after := m.Stats()
			require.Equal(t, before.Rejected+1, after.Rejected)
			require.Equal(t, before.Store.Saves, after.Store.Saves)
			require.Zero(t, after.Failures)
		})
	}
	_, err = m.Load(t.Context(), good)
	require.NoError(t, err)
}

// A token ends with its session.
func TestLoad_expired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events eventBook
		m := newManager(t, events.option(), gimlet.WithLifetime(time.Hour), gimlet.WithIdleTimeout(0))
		_, token := newToken(t, m)
		time.Sleep(time.Hour - time.Millisecond)
		_, err := m.Load(t.Context(), token)
		require.NoError(t, err)
		events.take()
		time.Sleep(time.Millisecond)
		_, err = m.Load(t.Context(), token)
		require.ErrorIs(t, err, gimlet.ErrNoSession)
		got := events.take()
		require.Len(t, got, 1)
		require.Equal(t, gimlet.ReasonExpired, got[0].Reason)
	})
}

// A cookie's value is no token, and a token is no cookie, in the sealed form
// and in the signed one.
func TestLoad_cookiesAndTokensAreApart(t *testing.T) {
	for _, signed := range []bool{false, true} {
		m := newManager(t, gimlet.WithCookie(gimlet.Cookie{Signed: signed}))
		_, token := newToken(t, m)
		cookie := begun(t, m)[0]
		for _, text := range []string{cookie.Value, cookie.Value[1:]} {
			_, err := m.Load(t.Context(), text)
			require.ErrorIs(t, err, gimlet.ErrNoSession)
		}
		for _, value := range []string{token, "1" + token} {
			site := newLocal(t, m).do("/", func(s *gimlet.Session) {
				require.True(t, s.ID().Reserved())
				require.Zero(t, s.Len())
			})
			r, err := http.NewRequest(http.MethodGet, site.URL+"/", nil)
			require.NoError(t, err)
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
			rejected := m.Stats().Rejected
			p := site.browser().do(r)
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Empty(t, p.Header["Set-Cookie"])
			require.Equal(t, rejected+1, m.Stats().Rejected)
		}
	}
}

// A store that fails is no reason to say that there is no session.
func TestLoad_storeFails(t *testing.T) {
	disk := newBreakable()
	m := newManagerOn(t, disk)
	_, token := newToken(t, m)
	disk.loads.set(errDisk)
	_, err := m.Load(t.Context(), token)
	require.ErrorIs(t, err, errDisk)
	require.NotErrorIs(t, err, gimlet.ErrNoSession)
	disk.loads.mend()
	s, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	disk.saves.set(errDisk)
	s.Set("n", 2)
	require.ErrorIs(t, s.Commit(t.Context()), errDisk)
	require.ErrorIs(t, s.Err(), errDisk)
	require.Nil(t, s.Get("n"))
	_, err = s.Token()
	require.ErrorIs(t, err, errDisk)
	require.NotErrorIs(t, err, gimlet.ErrNoSession)
	require.NoError(t, m.Close())
	_, err = m.Load(t.Context(), token)
	require.ErrorIs(t, err, gimlet.ErrClosed)
}
