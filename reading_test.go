package gimlet_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// Every way to ask a session for something, with nothing changed by it.
var readings = map[string]func(s *gimlet.Session){
	"Get":         func(s *gimlet.Session) { s.Get("n") },
	"Get client":  func(s *gimlet.Session) { s.Get("n", gimlet.ClientSide) },
	"Has":         func(s *gimlet.Session) { s.Has("n") },
	"Len":         func(s *gimlet.Session) { s.Len() },
	"Keys":        func(s *gimlet.Session) { s.Keys() },
	"All":         func(s *gimlet.Session) { s.All()(func(string, any) bool { return true }) },
	"Pop":         func(s *gimlet.Session) { s.Pop("absent") },
	"Delete":      func(s *gimlet.Session) { s.Delete("absent") },
	"Clear":       func(s *gimlet.Session) { s.Clear() },
	"Flashes":     func(s *gimlet.Session) { s.Flashes("") },
	"PeekFlashes": func(s *gimlet.Session) { s.PeekFlashes("") },
	"typed Get":   func(s *gimlet.Session) { gimlet.NewKey[int]("n").Get(s) },
	"ID":          func(s *gimlet.Session) { s.ID() },
	"Owner":       func(s *gimlet.Session) { s.Owner() },
	"IsNew":       func(s *gimlet.Session) { s.IsNew() },
	"Created":     func(s *gimlet.Session) { s.Created() },
	"LastSeen":    func(s *gimlet.Session) { s.LastSeen() },
	"Expires":     func(s *gimlet.Session) { s.Expires() },
	"Done":        func(s *gimlet.Session) { s.Done() },
	"ValidCSRF":   func(s *gimlet.Session) { s.ValidCSRF("x") },
	"Token":       func(s *gimlet.Session) { _, _ = s.Token() },
	"Renew":       func(s *gimlet.Session) { _ = s.Renew(context.Background()) },
	"Destroy":     func(s *gimlet.Session) { _ = s.Destroy(context.Background()) },
	"Commit":      func(s *gimlet.Session) { s.Get("n"); _ = s.Commit(context.Background()) },
	"SetStored":   func(s *gimlet.Session) { s.SetStored(true) },
	"timeouts":    func(s *gimlet.Session) { s.SetIdleTimeout(0); s.SetPersistent(false) },
}

// Reading where there is no session costs no store call and sends no cookie,
// but the response depends on the cookie that was not there.
func TestHandler_readingWithoutASession(t *testing.T) {
	m := newManager(t)
	for name, read := range readings {
		t.Run(name, func(t *testing.T) {
			site := newLocal(t, m).do("/", read)
			before := m.Stats()
			p := site.browser().ok("/")
			require.Equal(t, before, m.Stats())
			require.NotContains(t, p.Header, "Set-Cookie")
			require.NotContains(t, p.Header, "Cache-Control")
			require.Equal(t, []string{"Cookie"}, p.Header["Vary"])
		})
	}
}

// Reading a session that is there loads it once at most, writes nothing, sends
// no cookie, and says that the response depends on the cookie.
func TestHandler_readingASession(t *testing.T) {
	m := newManager(t)
	for name, read := range readings {
		if name == "Renew" || name == "Destroy" || name == "timeouts" || name == "Clear" {
			continue // these change what is there
		}
		t.Run(name, func(t *testing.T) {
			site := newLocal(t, m).do("/", read)
			site.do("/begin", func(s *gimlet.Session) { s.Set("n", 1) })
			b := site.browser()
			b.ok("/begin")
			before := m.Stats()
			p := b.ok("/")
			after := m.Stats()
			loads := before.Loads + 1
			if name == "Done" {
				loads++ // once more, in case it ended before it was watched
			}
			require.LessOrEqual(t, after.Loads, loads)
			require.LessOrEqual(t, after.Store.Loads-before.Store.Loads, loads-before.Loads)
			after.Store.Loads = before.Store.Loads
			require.Equal(t, before.Store, after.Store)
			require.NotContains(t, p.Header, "Set-Cookie")
			require.Equal(t, []string{"Cookie"}, p.Header["Vary"])
		})
	}
}
