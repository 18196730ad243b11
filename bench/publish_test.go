package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/cases"
	"github.com/gimlet-go/gimlet/bench/internal/report"
)

// What the documentation shows is what one run has measured, unchanged.
func TestPublished(t *testing.T) {
	r, err := report.Load("../" + runDir + "/results.json")
	require.NoError(t, err)
	require.False(t, r.Short)
	for _, i := range insertions {
		page, err := os.ReadFile("../" + i.page)
		require.NoError(t, err)
		want, err := report.Insert(string(page), i.name, i.text(r))
		require.NoError(t, err)
		require.Equal(t, want, string(page), "%s differs from the run: go run . -redraw ../%s/results.json -publish ..", i.page, runDir)
	}
	files, _ := cases.Draw(r)
	for name, svg := range files {
		shown, err := os.ReadFile("../" + runDir + "/" + name)
		require.NoError(t, err)
		require.Equal(t, svg, string(shown), name)
	}
	for _, id := range []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14"} {
		found := false
		for _, c := range r.Cases {
			found = found || c.ID == id && c.LeftOut == "" && len(c.Checks) > 0
		}
		require.True(t, found, "the run has not measured %s", id)
	}
}

// A page without a place for a table is an error, and is left alone.
func TestInsert(t *testing.T) {
	page := "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"
	text, err := report.Insert(page, "a", "new")
	require.NoError(t, err)
	require.Equal(t, "before\n<!-- a -->\n\nnew\n\n<!-- /a -->\nafter\n", text)
	again, err := report.Insert(text, "a", "new")
	require.NoError(t, err)
	require.Equal(t, text, again)
	for _, broken := range []string{"", "<!-- a -->\n", "<!-- /a -->\n", "<!-- /a -->\n<!-- a -->\n"} {
		_, err := report.Insert(broken, "a", "new")
		require.Error(t, err)
	}
}

func TestPublish_refusesShortRuns(t *testing.T) {
	root := t.TempDir()
	require.ErrorContains(t, published(&report.Run{Short: true}, root), "short run")
	left, err := filepath.Glob(root + "/*")
	require.NoError(t, err)
	require.Empty(t, left)
}
