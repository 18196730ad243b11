package gimlet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// A change that the store could not make is not saved, certainly, or uncertain,
// as the store knows, and never both. The cause is there, too.
func TestOutcome(t *testing.T) {
	cause := errors.New("the disk is gone")
	for _, c := range []struct {
		fault     error
		want, not error
	}{
		{fmt.Errorf("%w: %w", store.ErrNotSaved, cause), gimlet.ErrNotSaved, gimlet.ErrUncertain},
		{cause, gimlet.ErrUncertain, gimlet.ErrNotSaved},
		{fmt.Errorf("%w: %w", store.ErrFull, cause), gimlet.ErrFull, gimlet.ErrNotSaved},
	} {
		changes := map[string]func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) error{
			"Commit": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) error {
				s.Set("a", 2)
				return s.Commit(t.Context())
			},
			"Renew": func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) error {
				return errors.Join(s.Renew(t.Context()), s.Commit(t.Context()))
			},
			"Destroy":   func(t *testing.T, _ *gimlet.Manager, s *gimlet.Session) error { return s.Destroy(t.Context()) },
			"Revoke":    func(t *testing.T, m *gimlet.Manager, s *gimlet.Session) error { return m.Revoke(t.Context(), s.ID()) },
			"RevokeAll": func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) error { return m.RevokeAll(t.Context()) },
			"RevokeOwner": func(t *testing.T, m *gimlet.Manager, _ *gimlet.Session) error {
				_, err := m.RevokeOwner(t.Context(), "alice")
				return err
			},
		}
		for name, change := range changes {
			t.Run(fmt.Sprint(name, " ", c.want), func(t *testing.T) {
				broken := newBreakable()
				m := newManagerOn(t, broken)
				s := m.Begin(t.Context())
				s.Set("a", 1)
				require.NoError(t, s.Login(t.Context(), "alice"))
				require.NoError(t, s.Commit(t.Context()))
				broken.saves.set(c.fault)
				broken.deletes.set(c.fault)
				err := change(t, m, s)
				require.ErrorIs(t, err, c.want)
				require.NotErrorIs(t, err, c.not)
				require.ErrorIs(t, err, cause)
				broken.saves.mend()
				broken.deletes.mend()
			})
		}
	}
}

// What the error handler gets says it, too.
func TestOutcome_inTheErrorHandler(t *testing.T) {
	broken := newBreakable()
	var got error
	m := newManagerOn(t, broken, gimlet.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	site := newSite(t, m)
	site.do("/set", func(s *gimlet.Session) { s.Set("a", 1) })
	broken.saves.set(store.ErrNotSaved)
	require.Equal(t, http.StatusServiceUnavailable, site.browser().get("/set").StatusCode)
	require.ErrorIs(t, got, gimlet.ErrNotSaved)
	broken.saves.set(context.DeadlineExceeded)
	require.Equal(t, http.StatusServiceUnavailable, site.browser().get("/set").StatusCode)
	require.ErrorIs(t, got, gimlet.ErrUncertain)
	broken.saves.mend()
}
