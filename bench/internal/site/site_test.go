package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

func TestOf(t *testing.T) {
	v := site.Of(7, site.NoteBytes)
	require.Equal(t, v, site.Of(7, site.NoteBytes), "the values of a session are always the same")
	require.NotEqual(t, v.Note, site.Of(8, site.NoteBytes).Note)
	require.Len(t, v.Note, site.NoteBytes)
	size := len(v.Name) + len(v.Email) + len(v.Note) + 2*8 +
		len(site.UserKey+site.NameKey+site.EmailKey+site.VisitsKey+site.NoteKey)
	require.InDelta(t, 300, size, 30)
	require.Len(t, site.Of(0, 64<<10).Note, 64<<10)
}

func TestWanted(t *testing.T) {
	path, query, ok := strings.Cut(site.Query(12, 100), "?")
	require.True(t, ok)
	require.EqualValues(t, site.Create, path)
	v, life, err := site.Wanted(query)
	require.NoError(t, err)
	require.Equal(t, site.Of(12, 100), v)
	require.Zero(t, life)
	_, query, _ = strings.Cut(site.ShortQuery(12, 100, 90*time.Second), "?")
	_, life, err = site.Wanted(query)
	require.NoError(t, err)
	require.Equal(t, 90*time.Second, life)
	for _, bad := range []string{"", "i=1", "i=a&note=1", "i=1&note=b", "i=1&note=1&life=x", "%"} {
		_, _, err := site.Wanted(bad)
		require.Error(t, err, bad)
	}
}

func TestJar(t *testing.T) {
	j := site.NewJar(3)
	j.Set(0, "a=1")
	j.Set(2, "longer=than the first")
	j.Set(2, "c=3")
	require.Panics(t, func() { j.Set(1, strings.Repeat("x", 300)) })
	j.Widen(300)
	j.Set(1, strings.Repeat("x", 300))
	j.Widen(10)

	path := filepath.Join(t.TempDir(), "jar")
	require.NoError(t, j.Save(path))
	opened, err := site.OpenJar(path)
	require.NoError(t, err)
	defer opened.Close()
	for _, j := range []interface {
		Len() int
		Get(int) string
	}{j, opened} {
		require.Equal(t, 3, j.Len())
		require.Equal(t, []string{"a=1", strings.Repeat("x", 300), "c=3"}, []string{j.Get(0), j.Get(1), j.Get(2)})
	}
	for _, bad := range []string{"", "short", "       7\n12345"} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		_, err = site.OpenJar(path)
		require.ErrorContains(t, err, "not a jar")
	}
}

func TestCookieHeader(t *testing.T) {
	require.Equal(t, "a=1; b=2", site.CookieHeader([]string{
		"a=1; Path=/; HttpOnly", "gone=; Max-Age=0", "b=2", "old=1; Max-Age=-1",
	}))
	require.Empty(t, site.CookieHeader(nil))
}
