package gimlet_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// A lateCase changes a session after the headers of its response are out.
type lateCase struct {
	begin  func(s *gimlet.Session) // in an earlier request; nil: there is no session
	change func(s *gimlet.Session)
	check  func(t *testing.T, s *gimlet.Session) // in a later request
}

// runLate returns the log, and what Err says after the change.
func runLate(t *testing.T, test lateCase, opts ...gimlet.Option) (lines []string, failure error) {
	t.Helper()
	var book logBook
	site := newSite(t, newManager(t, append(opts, book.option())...))
	site.do("/begin", func(s *gimlet.Session) { test.begin(s) })
	site.on("/late", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Get("n")
		_, _ = io.WriteString(w, "whole")
		w.(http.Flusher).Flush()
		test.change(s)
		failure = s.Err()
		_, _ = io.WriteString(w, " page")
	})
	site.do("/check", func(s *gimlet.Session) { test.check(t, s) })
	b := site.browser()
	if test.begin != nil {
		b.ok("/begin")
	}
	p := b.ok("/late")
	require.Equal(t, "whole page", p.body)
	require.Empty(t, p.Header["Set-Cookie"])
	b.ok("/check")
	return book.take(), failure
}

func beginBothSides(s *gimlet.Session) {
	s.Set("n", 1)
	s.Set("c", 1, gimlet.ClientSide)
	s.Set("run", 1, gimlet.Transient)
	s.Flash("", "hello")
}

// After the headers, server-side changes of a session with a record are saved
// when the handler returns, or at Commit, without an error.
func TestLate_serverSideIsSaved(t *testing.T) {
	n := gimlet.NewKey[int]("n")
	ctx := t.Context()
	tests := map[string]lateCase{
		"Set": {beginBothSides, func(s *gimlet.Session) { s.Set("n", 2) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, 2, s.Get("n")) }},
		"Set anew": {beginBothSides, func(s *gimlet.Session) { s.Set("m", 2) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, 2, s.Get("m")) }},
		"Set Quick": {beginBothSides, func(s *gimlet.Session) { s.Set("n", 2, gimlet.Quick) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, 2, s.Get("n")) }},
		"Set in this run of the browser": {beginBothSides, func(s *gimlet.Session) { s.Set("run", 2, gimlet.Transient) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, 2, s.Get("run")) }},
		"Delete": {beginBothSides, func(s *gimlet.Session) { s.Delete("n") },
			func(t *testing.T, s *gimlet.Session) { require.False(t, s.Has("n")) }},
		"Pop": {beginBothSides, func(s *gimlet.Session) { s.Pop("n") },
			func(t *testing.T, s *gimlet.Session) { require.False(t, s.Has("n")) }},
		"Update": {beginBothSides, func(s *gimlet.Session) { n.Update(s, func(n int) int { return n + 5 }) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, 6, s.Get("n")) }},
		"Flash": {beginBothSides, func(s *gimlet.Session) { s.Flash("", "again") },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, []any{"hello", "again"}, s.Flashes("")) }},
		"Flashes": {beginBothSides, func(s *gimlet.Session) { require.Equal(t, []any{"hello"}, s.Flashes("")) },
			func(t *testing.T, s *gimlet.Session) { require.Empty(t, s.Flashes("")) }},
		"Clear": {func(s *gimlet.Session) { s.Set("n", 1) }, func(s *gimlet.Session) { s.Clear() },
			func(t *testing.T, s *gimlet.Session) { require.Zero(t, s.Len()); require.False(t, s.ID().Reserved()) }},
		"Destroy": {beginBothSides, func(s *gimlet.Session) { require.NoError(t, s.Destroy(ctx)) },
			func(t *testing.T, s *gimlet.Session) { require.Zero(t, s.Len()); require.True(t, s.ID().Reserved()) }},
		"Commit": {beginBothSides, func(s *gimlet.Session) {
			s.Set("n", 2)
			require.NoError(t, s.Commit(ctx))
			s.Set("n", 3)
			require.NoError(t, s.Commit(ctx))
		}, func(t *testing.T, s *gimlet.Session) { require.Equal(t, 3, s.Get("n")) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lines, err := runLate(t, test)
			require.NoError(t, err)
			require.Empty(t, lines)
		})
	}
}

// After the headers, what needs a cookie is an error on the session and a line
// in the log, never silent; it is not done, and nothing else is lost.
func TestLate_whatNeedsACookieFails(t *testing.T) {
	c := gimlet.NewKey[int]("c", gimlet.ClientSide)
	ctx := t.Context()
	same := func(t *testing.T, s *gimlet.Session) {
		require.Equal(t, 1, s.Get("c"))
		require.Equal(t, 1, s.Get("run"))
		require.Equal(t, "kept", s.Get("n"))
		require.Empty(t, s.Owner())
		require.False(t, s.Has("new"))
	}
	none := func(t *testing.T, s *gimlet.Session) {
		require.Zero(t, s.Len())
		require.True(t, s.ID().Reserved())
	}
	// with makes the server-side change that must not be lost beside another.
	with := func(change func(s *gimlet.Session)) func(s *gimlet.Session) {
		return func(s *gimlet.Session) {
			change(s)
			s.Set("n", "kept")
		}
	}
	tests := map[string]lateCase{
		"client-side Set":     {beginBothSides, with(func(s *gimlet.Session) { s.Set("c", 2, gimlet.ClientSide) }), same},
		"client-side Set new": {beginBothSides, with(func(s *gimlet.Session) { s.Set("new", 2, gimlet.ClientSide) }), same},
		"client-side transient Set": {beginBothSides, with(func(s *gimlet.Session) {
			s.Set("new", 2, gimlet.ClientSide|gimlet.Transient)
		}), same},
		"client-side Delete": {beginBothSides, with(func(s *gimlet.Session) { s.Delete("c") }), same},
		"client-side Update": {beginBothSides, with(func(s *gimlet.Session) {
			c.Update(s, func(c int) int { return c + 1 })
		}), same},
		"to the client":  {beginBothSides, with(func(s *gimlet.Session) { s.Set("run", 1, gimlet.ClientSide) }), same},
		"to the server":  {beginBothSides, with(func(s *gimlet.Session) { s.Set("c", 2) }), same},
		"Clear":          {beginBothSides, with(func(s *gimlet.Session) { s.Clear() }), same},
		"Renew":          {beginBothSides, with(func(s *gimlet.Session) { require.ErrorIs(t, s.Renew(ctx), gimlet.ErrHeadersSent) }), same},
		"Login":          {beginBothSides, with(func(s *gimlet.Session) { require.ErrorIs(t, s.Login(ctx, "ann"), gimlet.ErrHeadersSent) }), same},
		"SetLifetime":    {beginBothSides, with(func(s *gimlet.Session) { s.SetLifetime(1e9) }), same},
		"SetIdleTimeout": {beginBothSides, with(func(s *gimlet.Session) { s.SetIdleTimeout(1e9) }), same},
		"SetPersistent":  {beginBothSides, with(func(s *gimlet.Session) { s.SetPersistent(false) }), same},
		"SetStored":      {beginBothSides, with(func(s *gimlet.Session) { s.SetStored(true) }), same},
		"first transient": {func(s *gimlet.Session) { s.Set("n", 1); s.Set("c", 1, gimlet.ClientSide) }, with(func(s *gimlet.Session) { s.Set("new", 1, gimlet.Transient) }), func(t *testing.T, s *gimlet.Session) {
			require.Equal(t, "kept", s.Get("n"))
			require.False(t, s.Has("new"))
		}},

		"first Set":   {nil, func(s *gimlet.Session) { s.Set("n", 1) }, none},
		"first Flash": {nil, func(s *gimlet.Session) { s.Flash("", "hello") }, none},
		"first Login": {nil, func(s *gimlet.Session) { require.ErrorIs(t, s.Login(ctx, "ann"), gimlet.ErrHeadersSent) }, none},
		"first CSRF":  {nil, func(s *gimlet.Session) { require.Empty(t, s.CSRFToken()) }, none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lines, err := runLate(t, test)
			require.ErrorIs(t, err, gimlet.ErrHeadersSent)
			require.Len(t, lines, 1)
			require.Contains(t, lines[0], gimlet.ErrHeadersSent.Error())
		})
	}
}

// The values of a session without a record live in its cookie, so after the
// headers none of them can change.
func TestLate_cookieOnlySession(t *testing.T) {
	same := func(t *testing.T, s *gimlet.Session) { require.Equal(t, 1, s.Get("n")) }
	begin := func(s *gimlet.Session) { s.Set("n", 1) }
	tests := map[string]lateCase{
		"Set":    {begin, func(s *gimlet.Session) { s.Set("n", 2) }, same},
		"Delete": {begin, func(s *gimlet.Session) { s.Delete("n") }, same},
		"Flash":  {begin, func(s *gimlet.Session) { s.Flash("", "hello") }, same},
		"Clear":  {begin, func(s *gimlet.Session) { s.Clear() }, same},
		"Flashes": {func(s *gimlet.Session) { begin(s); s.Flash("", "hello") },
			func(s *gimlet.Session) { require.Empty(t, s.Flashes("")) },
			func(t *testing.T, s *gimlet.Session) { require.Equal(t, []any{"hello"}, s.PeekFlashes("")) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lines, err := runLate(t, test, gimlet.WithCookieOnly(2000))
			require.ErrorIs(t, err, gimlet.ErrHeadersSent)
			require.Len(t, lines, 1)
		})
	}
}

// A transient value shows only with its cookie: one whose cookie was not sent,
// since nothing was left to show, cannot begin after the headers.
func TestLate_transientWithoutItsCookie(t *testing.T) {
	site := newSite(t, newManager(t))
	site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
	site.on("/late", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("run", 1, gimlet.Transient)
		s.Delete("run")
		w.WriteHeader(http.StatusOK)
		s.Set("run", 2, gimlet.Transient)
		require.ErrorIs(t, s.Err(), gimlet.ErrHeadersSent)
	})
	b := site.browser()
	b.ok("/begin")
	require.Empty(t, b.ok("/late").Header["Set-Cookie"])
}

// Changes that were made before the headers and after them are all saved, in
// one save each.
func TestLate_beforeAndAfter(t *testing.T) {
	m := newManager(t)
	site := newSite(t, m)
	site.on("/", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
		s.Set("a", 1)
		w.WriteHeader(http.StatusOK)
		require.EqualValues(t, 1, m.Stats().Saves)
		s.Set("b", 2)
		s.Set("b", 3)
		require.EqualValues(t, 1, m.Stats().Saves)
		require.NoError(t, s.Err())
	})
	site.do("/check", func(s *gimlet.Session) {
		require.Equal(t, 1, s.Get("a"))
		require.Equal(t, 3, s.Get("b"))
	})
	b := site.browser()
	b.ok("/")
	require.EqualValues(t, 2, m.Stats().Saves)
	b.ok("/check")
}
