package gimlet_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// The first key seals and all open: one rotates by putting a new key in front,
// and cookies come under it with the next response. What a key that was taken
// out has sealed is nobody's.
func TestWithKeys_rotation(t *testing.T) {
	shared := memory.New()
	old, current, line, moved := "", "", "", ""
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		p := site.ask("/set")
		line, old = p.line(), keyOf(t, p)
	}, gimlet.WithKeys(key(1)))
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		current = keyOf(t, site.ask("/set"))
		require.NotEqual(t, old, current)
		p := site.ask("/get", line)
		require.Equal(t, "five", p.body)
		require.Equal(t, current, keyOf(t, p))
		moved = p.line()
		require.Empty(t, site.ask("/get", moved).Cookies())
	}, gimlet.WithKeys(key(2), key(1)))
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		require.Equal(t, old, keyOf(t, site.ask("/set")), "the first seals, whatever came first in time")
		require.Equal(t, "five", site.ask("/get", moved).body)
	}, gimlet.WithKeys(key(1), key(2)))
	book := &eventBook{}
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		require.Equal(t, "five", site.ask("/get", moved).body)
		book.take()
		require.Empty(t, site.ask("/get", line).body)
		require.Equal(t, gimlet.ReasonStaleKey, book.take()[0].Reason)
	}, gimlet.WithKeys(key(3), key(2)), book.option())
}

// Given keys stay out of the store, and no ring is made there.
func TestWithKeys_notStored(t *testing.T) {
	shared := memory.New()
	run(t, shared, func(_ *gimlet.Manager, site *site) { site.ask("/set") }, gimlet.WithKeys(key(1), key(2)))
	for rec, err := range shared.List(context.Background(), "") {
		require.NoError(t, err)
		require.False(t, rec.ID.Reserved())
		require.NotContains(t, string(rec.Data), string(key(1)[:8]))
		require.NotContains(t, string(rec.Data), string(key(2)[:8]))
	}
}

// The caller's slices are not kept, nor changed.
func TestWithKeys_callersSlices(t *testing.T) {
	mine := [][]byte{key(1), key(2)}
	shared := memory.New()
	opt := gimlet.WithKeys(mine...)
	clear(mine[0])
	line := ""
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		clear(mine[1])
		mine[0], mine[1] = mine[1], mine[0]
		line = site.ask("/set").line()
	}, opt)
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		require.Equal(t, "five", site.ask("/get", line).body)
	}, gimlet.WithKeys(key(1)))
}

// Managers of different names, and cookies of different names, are apart
// though the keys are the same.
func TestWithKeys_sameKeysOtherNames(t *testing.T) {
	shared := memory.New()
	lines := map[string]string{}
	configs := map[string][]gimlet.Option{
		"one":   {gimlet.WithKeys(key(1))},
		"two":   {gimlet.WithKeys(key(1)), gimlet.WithName("two")},
		"three": {gimlet.WithKeys(key(1)), gimlet.WithCookie(gimlet.Cookie{Name: "three"})},
	}
	for name, opts := range configs {
		run(t, shared, func(_ *gimlet.Manager, site *site) { lines[name] = site.ask("/set").Cookies()[0].Value }, opts...)
	}
	for name, opts := range configs {
		run(t, shared, func(_ *gimlet.Manager, site *site) {
			cookie := site.ask("/set").Cookies()[0].Name
			for from, value := range lines {
				body := site.ask("/get", cookie+"="+value).body
				require.Equal(t, from == name, body == "five", "%s's cookie at %s", from, name)
			}
		}, opts...)
	}
}

// WithName keeps what managers keep for themselves in one store apart: their
// key rings, and RevokeAll.
func TestWithName_separates(t *testing.T) {
	shared := memory.New()
	line := ""
	run(t, shared, func(_ *gimlet.Manager, here *site) {
		line = here.ask("/set").line()
		run(t, shared, func(b *gimlet.Manager, there *site) {
			require.Empty(t, there.ask("/get", line).body)
			theirs := there.ask("/set").line()
			require.Empty(t, here.ask("/get", theirs).body)
			require.NoError(t, b.RevokeAll(t.Context()))
			require.Empty(t, there.ask("/get", theirs).body)
		}, gimlet.WithName("b"))
	}, gimlet.WithName("a"))
	run(t, shared, func(_ *gimlet.Manager, site *site) {
		require.Equal(t, "five", site.ask("/get", line).body)
	}, gimlet.WithName("a"))
	require.Equal(t, 3, reservedRecords(t, shared), "two rings and one generation")
}

func reservedRecords(t testing.TB, s store.Store) (n int) {
	t.Helper()
	for rec, err := range s.List(context.Background(), "") {
		require.NoError(t, err)
		if rec.ID.Reserved() {
			n++
		}
	}
	return n
}
