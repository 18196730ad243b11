package gimlet

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// What people see who print a session, an Info or a Manager, or log it. Nothing
// of it opens anything: no token, owner, cookie, ring key or value. Nothing is
// asked of the session for it either, so that a log line neither loads a
// session nor touches it.

// String describes the session to people who debug: its ID, whether it has an
// owner, and the keys that are known without loading it. It shows no values,
// is safe to log, and does not count as use of the session.
func (s *Session) String() string { return dumped("Session", s.dump()) }

// Format prints String for every verb: some of them would walk through the
// fields otherwise.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is what [log/slog] logs of a session: what String shows.
func (s *Session) LogValue() slog.Value { return slog.GroupValue(s.dump()...) }

func (s *Session) dump() []slog.Attr {
	if !s.mu.TryLock() {
		// Whoever has the lock may be the one who logs.
		return []slog.Attr{slog.String("state", "in use")}
	}
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return []slog.Attr{slog.String("state", "failed")}
	case !s.opened:
		return []slog.Attr{slog.String("state", "untouched")}
	case !s.live:
		return []slog.Attr{slog.String("state", "none")}
	}
	state := "loaded"
	switch {
	case s.fresh:
		state = "new"
	case !s.loaded:
		state = "not loaded"
	}
	return []slog.Attr{
		slog.String("state", state),
		slog.String("id", s.token.id.String()),
		slog.Bool("owner", s.state.owner != "" || s.intent.login),
		slog.Any("keys", s.known()),
	}
}

// known returns the keys that are known without loading the session.
func (s *Session) known() []string {
	values, err := s.intent.apply(s.state.values, false)
	if err != nil {
		return nil
	}
	return keysOf(values[:]...)
}

// String describes the session to people who debug, without its values and
// its owner's name; see [Session.String].
func (i Info) String() string { return dumped("Info", i.dump()) }

// Format prints String for every verb: some of them would walk through the
// fields otherwise.
func (i Info) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, i.String()) }

// LogValue is what [log/slog] logs of an Info: what String shows.
func (i Info) LogValue() slog.Value { return slog.GroupValue(i.dump()...) }

func (i Info) dump() []slog.Attr {
	return []slog.Attr{
		slog.String("id", i.ID.String()),
		slog.Bool("owner", i.Owner != ""),
		slog.Any("keys", keysOf(i.values)),
	}
}

// String returns the manager's name, and none of the keys that it holds.
func (m *Manager) String() string { return fmt.Sprintf("gimlet.Manager{name=%q}", m.cfg.name) }

// Format prints String for every verb: some of them would walk through the
// fields otherwise.
func (m *Manager) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue is what [log/slog] logs of a manager: what String shows.
func (m *Manager) LogValue() slog.Value { return slog.StringValue(m.String()) }

// dumped writes attributes in one line, whatever is in them.
func dumped(name string, attrs []slog.Attr) string {
	var b strings.Builder
	b.WriteString("gimlet." + name + "{")
	for i, a := range attrs {
		if i > 0 {
			b.WriteByte(' ')
		}
		if a.Value.Kind() == slog.KindBool {
			fmt.Fprintf(&b, "%s=%t", a.Key, a.Value.Bool())
		} else {
			fmt.Fprintf(&b, "%s=%q", a.Key, a.Value.Any())
		}
	}
	b.WriteByte('}')
	return b.String()
}
