package gimlet_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// However much is kept, what was told while a secret was kept is found.
func TestVault_rounds(t *testing.T) {
	w, told := newTap()
	v := vault{told: told, round: 10000}
	v.keep(secrets.add, "the planted one", "a secret of some length")
	w.print("it is a secret of some length, is it not")
	for i := range 1000 {
		v.keep(secrets.add, "others", fmt.Sprintf("another secret, number %d", i))
		require.LessOrEqual(t, v.bytes, v.round)
	}
	require.Less(t, len(v.secrets), 1000, "there was more than one round")
	leaks := v.search()
	require.Len(t, leaks, 1)
	require.Equal(t, "the planted one", leaks[0].what)
	require.Equal(t, 1000, v.count["others"])
}

// A vault that has heard next to nothing says so.
func TestVault_quiet(t *testing.T) {
	w, told := newTap()
	v := vault{told: told, round: 1 << 30}
	require.NotEmpty(t, v.missing())
	for i := range 10000 {
		for what := range leastOfAll {
			w.who = what
			w.heard()
			v.keep(secrets.add, what, fmt.Sprint(what, " with the number ", i))
		}
	}
	require.Empty(t, v.missing())
	v.count["a cookie"], told.times["a cookie"] = 3, 0
	require.Len(t, v.missing(), 1)
	require.Contains(t, v.missing()[0], "a cookie: 3")
}
