package gimlet_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// told is an event without its time, its error and its session.
type told struct {
	kind   gimlet.EventKind
	reason gimlet.Reason
	owner  string
}

// tell returns the events since the last take. All of them have a time in UTC
// that is about now.
func (b *eventBook) tell(t *testing.T) []told {
	t.Helper()
	var all []told
	for _, e := range b.take() {
		require.Equal(t, time.UTC, e.Time.Location())
		require.WithinDuration(t, time.Now(), e.Time, time.Minute)
		all = append(all, told{e.Kind, e.Reason, e.Owner})
	}
	return all
}

// Each thing that happens to a session is told exactly once, with the reason
// and the owner.
func TestEvents_oncePerHappening(t *testing.T) {
	ctx := t.Context()
	login := func(owner string) func(s *gimlet.Session) {
		return func(s *gimlet.Session) { require.NoError(t, s.Login(ctx, owner)) }
	}
	set := func(s *gimlet.Session) { s.Set("n", 1) }
	ended := func(r gimlet.Reason, owner string) told { return told{gimlet.EventEnded, r, owner} }
	created := told{kind: gimlet.EventCreated}
	var m *gimlet.Manager
	var place string
	tests := map[string]struct {
		begin, work func(s *gimlet.Session)
		want        []told
	}{
		"untouched":     {set, func(*gimlet.Session) {}, nil},
		"a read":        {set, func(s *gimlet.Session) { s.Get("n") }, nil},
		"a change":      {set, func(s *gimlet.Session) { s.Set("n", 2) }, nil},
		"a beginning":   {nil, set, []told{created}},
		"client-side":   {nil, func(s *gimlet.Session) { s.Set("n", 1, gimlet.ClientSide) }, []told{created}},
		"a first login": {nil, login("ann"), []told{created, {kind: gimlet.EventLogin, owner: "ann"}}},
		"a login":       {set, login("ann"), []told{{kind: gimlet.EventLogin, owner: "ann"}}},
		"two commits": {nil, func(s *gimlet.Session) {
			set(s)
			require.NoError(t, s.Commit(ctx))
			s.Set("n", 2)
		}, []told{created}},
		"another login": {login("ann"), login("bob"), []told{
			ended(gimlet.ReasonLogin, "ann"), created, {kind: gimlet.EventLogin, owner: "bob"},
		}},
		"a renewal":      {login("ann"), func(s *gimlet.Session) { require.NoError(t, s.Renew(ctx)) }, []told{{kind: gimlet.EventRenewed, owner: "ann"}}},
		"a logout":       {login("ann"), logout, []told{ended(gimlet.ReasonLogout, "ann")}},
		"no logout":      {nil, logout, nil},
		"begun in vain":  {nil, func(s *gimlet.Session) { set(s); logout(s) }, nil},
		"a fresh start":  {set, func(s *gimlet.Session) { logout(s); set(s) }, []told{ended(gimlet.ReasonLogout, ""), created}},
		"a lost warning": {set, func(s *gimlet.Session) { gimlet.NewKey[string]("n").Get(s) }, nil},
		"too large": {set, func(s *gimlet.Session) { s.Set("n", make([]byte, 2<<20)) }, []told{
			{kind: gimlet.EventLimit}, {kind: gimlet.EventFailed},
		}},
		"a move": {set, func(s *gimlet.Session) { place = "away"; s.Get("n"); s.Get("n") }, []told{{kind: gimlet.EventMoved}}},
		"keys revoked": {set, func(*gimlet.Session) {
			require.NoError(t, m.RevokeKeys(ctx, time.Now().Add(time.Hour)))
		}, []told{{kind: gimlet.EventKeysRevoked}}},
		"no key revoked": {set, func(*gimlet.Session) {
			require.NoError(t, m.RevokeKeys(ctx, time.Time{}))
		}, nil},
		"a misuse": {set, func(s *gimlet.Session) { s.Set("", 1); s.Set("", 2) }, []told{{kind: gimlet.EventFailed}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var events eventBook
			place = "home"
			m = newManager(t, events.option(), gimlet.WithBindingAction(gimlet.BindingObserve),
				gimlet.WithBinding(func(*http.Request) string { return place }))
			var cookies []*http.Cookie
			if test.begin != nil {
				cookies = answer(m, "https://example.test/", nil, test.begin).Cookies()
			}
			events.take()
			answer(m, "https://example.test/", cookies, test.work)
			require.Equal(t, test.want, events.tell(t))
		})
	}
}

// What a manager does to sessions is told with the reason, too.
func TestEvents_ofTheManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var events eventBook
		m := newManager(t, events.option(), gimlet.WithMaxSessionsPerOwner(2))
		login := func() []gimlet.Event {
			time.Sleep(time.Second)
			answer(m, "https://example.test/", nil, func(s *gimlet.Session) { require.NoError(t, s.Login(ctx, "ann")) })
			return events.take()
		}
		first := login()[0]
		require.Equal(t, gimlet.EventCreated, first.Kind)
		require.False(t, first.ID.Reserved())
		login()
		third := login()
		require.Len(t, third, 4)
		require.Equal(t, gimlet.EventLimit, third[2].Kind)
		require.Equal(t, gimlet.EventEnded, third[3].Kind)
		require.Equal(t, gimlet.ReasonLimit, third[3].Reason)
		require.Equal(t, first.ID, third[3].ID)

		require.NoError(t, m.Revoke(ctx, third[0].ID))
		require.Equal(t, []told{{gimlet.EventEnded, gimlet.ReasonRevoked, "ann"}}, events.tell(t))
		n, err := m.RevokeOwner(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []told{{gimlet.EventEnded, gimlet.ReasonRevoked, "ann"}}, events.tell(t))
		require.NoError(t, m.RevokeAll(ctx))
		require.Equal(t, []told{{kind: gimlet.EventRevokedAll}}, events.tell(t))
	})
}

// A scheduled renewal is told like any other, by the one request that made it.
func TestEvents_scheduledRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events eventBook
		m := newManager(t, events.option(), gimlet.WithRenewal(time.Hour, time.Minute))
		cookies := begun(t, m)
		events.take()
		time.Sleep(2 * time.Hour)
		read := func(s *gimlet.Session) { s.Get("n") }
		answer(m, "https://example.test/", cookies, read)
		require.Equal(t, []gimlet.EventKind{gimlet.EventRenewed}, events.kinds())
		answer(m, "https://example.test/", cookies, read)
		require.Empty(t, events.kinds(), "the old token still works, and leads to the same new one")
	})
}

// A key that is made for the ring is told.
func TestEvents_keyRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events eventBook
		m := newManager(t, events.option())
		time.Sleep(29*24*time.Hour + time.Minute)
		cookies := begun(t, m)
		require.Equal(t, []gimlet.EventKind{gimlet.EventKeyRotated, gimlet.EventCreated}, events.kinds())
		answer(m, "https://example.test/", cookies, func(s *gimlet.Session) { require.Equal(t, 0, s.Get("n")) })
	})
}

// A value that cannot be read costs itself alone, and is told.
func TestEvents_corruptValue(t *testing.T) {
	var events eventBook
	codec := &fadingCodec{Codec: gimlet.CBOR()}
	m := newManager(t, events.option(), gimlet.WithCodec(codec))
	cookies := answer(m, "https://example.test/", nil, func(s *gimlet.Session) { s.Set("a", "1"); s.Set("b", "2") }).Cookies()
	events.take()
	codec.faded.Store(true)
	answer(m, "https://example.test/", cookies, func(s *gimlet.Session) {
		require.Nil(t, s.Get("a"))
		require.NoError(t, s.Err())
		codec.faded.Store(false)
		require.Equal(t, "2", s.Get("b"))
	})
	got := events.take()
	require.Len(t, got, 1)
	require.Equal(t, gimlet.EventCorrupt, got[0].Kind)
	require.ErrorIs(t, got[0].Err, errFaded)
	require.EqualValues(t, 1, m.Stats().Corrupt)
}

// A fadingCodec cannot read any more once it has faded.
type fadingCodec struct {
	gimlet.Codec
	faded atomic.Bool
}

var errFaded = errors.New("the ink has faded")

func (c *fadingCodec) Unmarshal(data []byte, v any) error {
	if c.faded.Load() {
		return errFaded
	}
	return c.Codec.Unmarshal(data, v)
}

// A failure is told once, with the error, however often the handler goes on
// to use the session.
func TestEvents_failed(t *testing.T) {
	var events eventBook
	disk := newBreakable()
	m := newManagerOn(t, disk, events.option())
	cookies := begun(t, m)
	events.take()
	disk.loads.set(errDisk)
	answer(m, "https://example.test/", cookies, func(s *gimlet.Session) {
		s.Get("n")
		s.Set("n", 2)
		require.Error(t, s.Commit(t.Context()))
	})
	got := events.take()
	require.Len(t, got, 1)
	require.Equal(t, gimlet.EventFailed, got[0].Kind)
	require.ErrorIs(t, got[0].Err, errDisk)
	require.False(t, got[0].ID.Reserved())
	disk.loads.set(store.ErrCorrupt)
	answer(m, "https://example.test/", cookies, func(s *gimlet.Session) { s.Get("n"); s.Get("n") })
	require.Equal(t, []told{{kind: gimlet.EventRejected, reason: gimlet.ReasonCorrupt}}, events.tell(t))
}

// The function gets the context of the request or call that caused the event.
func TestEvents_context(t *testing.T) {
	type key struct{}
	var got []any
	m := newManager(t, gimlet.WithEvents(func(ctx context.Context, _ gimlet.Event) { got = append(got, ctx.Value(key{})) }))
	ctx := context.WithValue(t.Context(), key{}, "address")
	s := m.Begin(ctx)
	require.NoError(t, s.Commit(ctx))
	_, err := m.Load(ctx, "garbage")
	require.ErrorIs(t, err, gimlet.ErrNoSession)
	require.NoError(t, m.Revoke(ctx, s.ID()))
	require.NoError(t, m.RevokeAll(ctx))
	require.Equal(t, []any{"address", "address", "address", "address"}, got)
}

// A function that panics changes nothing: what happened has happened, the
// request goes on, and the log tells.
func TestEvents_panicChangesNothing(t *testing.T) {
	var book logBook
	m := newManager(t, book.option(), gimlet.WithEvents(func(context.Context, gimlet.Event) { panic("hook broke") }))
	site := newSite(t, m)
	site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "ann")) })
	site.do("/logout", func(s *gimlet.Session) {
		require.NoError(t, s.Destroy(t.Context()))
		require.NoError(t, s.Err())
	})
	var owner string
	site.do("/check", func(s *gimlet.Session) { owner = s.Owner() })
	b := site.browser()
	b.ok("/login")
	b.ok("/check")
	require.Equal(t, "ann", owner)
	old := b.steal()
	b.ok("/logout")
	old.ok("/check")
	require.Empty(t, owner)
	lines := book.take()
	require.Len(t, lines, 4, "created, login, ended, rejected")
	for _, line := range lines {
		require.Contains(t, line, "WithEvents panicked")
		require.Contains(t, line, "hook broke")
	}
}

// Every kind and reason has a name, and there is none besides.
func TestEvents_names(t *testing.T) {
	seen := map[string]bool{}
	for k := gimlet.EventCreated; k <= gimlet.EventMoved; k++ {
		seen[k.String()] = true
	}
	for r := gimlet.ReasonLogout; r <= gimlet.ReasonCorrupt; r++ {
		seen["because "+r.String()] = true
	}
	require.NotContains(t, seen, "")
	require.NotContains(t, seen, "because ")
	require.Len(t, seen, int(gimlet.EventMoved)+int(gimlet.ReasonCorrupt))
	require.Empty(t, (gimlet.EventMoved + 1).String())
	require.Empty(t, gimlet.Reason(255).String())
	require.Empty(t, gimlet.EventKind(0).String())
}
