package gimlet

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func cookiesOf(t testing.TB) *cookieKind {
	t.Helper()
	cfg := defaults()
	require.NoError(t, cfg.check())
	return cfg.cookie.kind(&cfg, givenRing([][]byte{someBytes(32)}), false)
}

// A request with very many cookies costs no memory, whether they have our
// names or not.
func TestCookieScan_manyCookies(t *testing.T) {
	k := cookiesOf(t)
	var others, ours strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&others, "a%d=%d; ", i, i)
		fmt.Fprintf(&ours, "%s=%d; ", k.main.names[i%maxChunks], i)
	}
	for _, line := range []string{others.String(), ours.String(), strings.Repeat(";", 100_000), strings.Repeat("=", 100_000)} {
		r := &http.Request{Header: http.Header{"Cookie": {line}}}
		allocs := testing.AllocsPerRun(1, func() {
			var main, transient presented
			k.scan(r, &main, &transient)
		})
		require.Less(t, allocs, 50.0, "%.20s", line)
	}
}

// What is presented is found under its number, and of different values under
// the first name so many as could be in earnest.
func TestCookieScan_collects(t *testing.T) {
	k := cookiesOf(t)
	r := &http.Request{Header: http.Header{"Cookie": {
		"x=0; __Host-id=a; __Host-id.1=b; __Host-id.t=c; __Host-id.t.7=d", "__Host-id=a; __Host-id=e; __Host-id.3=f; __Host-id.8=g",
	}}}
	var main, transient presented
	k.scan(r, &main, &transient)
	require.Equal(t, presented{
		first: [4]string{"a", "e"}, n: 2, chunks: [maxChunks]string{1: "b", 3: "f"}, seen: 4,
	}, main)
	require.Equal(t, presented{
		first: [4]string{"c"}, n: 1, chunks: [maxChunks]string{7: "d"}, seen: 8,
	}, transient)
}

// The number of chunks that a client claims is checked before anything is
// allocated for them.
func TestPresented_claimedChunks(t *testing.T) {
	var p presented
	for i := range p.chunks {
		p.chunks[i] = strings.Repeat("x", 4000)
	}
	for _, first := range []string{
		"", "0", "0a", "9", "99999999", "9" + strings.Repeat("x", 4000), ":", "/", "a", "-1", "²", "\x00", "\xff", " 2", "\"2",
	} {
		allocs := testing.AllocsPerRun(10, func() {
			if text, ok := p.assemble(first); ok || text != "" {
				panic("assembled")
			}
		})
		require.Zero(t, allocs, first)
	}
	text, ok := p.assemble("1abc")
	require.True(t, ok)
	require.Equal(t, "abc", text)
	text, ok = p.assemble("8abc")
	require.True(t, ok)
	require.Len(t, text, 3+7*4000)
	p.chunks[7] = ""
	_, ok = p.assemble("8abc")
	require.False(t, ok)
}

// What is put together is bounded, whatever a client sends.
func TestPresented_size(t *testing.T) {
	var p presented
	for i := range p.chunks {
		p.chunks[i] = strings.Repeat("x", 100_000)
	}
	text, ok := p.assemble("8")
	require.False(t, ok)
	require.Empty(t, text)
}
