package gimlet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// What happens to a cookie that comes with another property than it was made
// for is up to the option: refused, observed once, renewed, or the end.
func TestBinding_actions(t *testing.T) {
	tests := map[string]struct {
		action        gimlet.BindingAction
		there, here   string // who the thief and the owner are afterwards
		events        []gimlet.EventKind
		thereOnceMore []gimlet.EventKind
	}{
		"refuse":  {gimlet.BindingRefuse, "", "alice", []gimlet.EventKind{gimlet.EventRejected}, []gimlet.EventKind{gimlet.EventRejected}},
		"observe": {gimlet.BindingObserve, "alice", "alice", []gimlet.EventKind{gimlet.EventMoved}, nil},
		"renew":   {gimlet.BindingRenew, "alice", "", []gimlet.EventKind{gimlet.EventMoved, gimlet.EventRenewed}, nil},
		"end":     {gimlet.BindingEnd, "", "", []gimlet.EventKind{gimlet.EventMoved, gimlet.EventEnded}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var events eventBook
			m := newManager(t, events.option(), gimlet.WithBindingAction(tt.action),
				gimlet.WithBinding(func(r *http.Request) string { return r.FormValue("from") }))
			site := newSite(t, m)
			site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
			site.on("/who", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.Owner())) })
			owner := site.browser()
			owner.ok("/login?from=home")
			thief := owner.steal()
			events.take()
			require.Equal(t, tt.there, thief.ok("/who?from=away").body)
			require.Equal(t, tt.events, events.kinds())
			thief.ok("/who?from=away")
			if tt.action != gimlet.BindingEnd {
				require.Equal(t, tt.thereOnceMore, nilIfNone(events.kinds()))
			}
			require.Equal(t, tt.here, owner.ok("/who?from=home").body)
		})
	}
	_, err := gimlet.New(keep{}, gimlet.WithBindingAction(9))
	require.ErrorContains(t, err, "WithBindingAction")
}

func nilIfNone(kinds []gimlet.EventKind) []gimlet.EventKind {
	if len(kinds) == 0 {
		return nil
	}
	return kinds
}
