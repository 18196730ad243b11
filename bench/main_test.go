package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A short run of one case writes its page and data, and the page can be made
// again from the data alone.
func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-short", "-only", "p4", "-out", dir}, &log))
	require.Contains(t, log.String(), "P4")
	page, err := os.ReadFile(filepath.Join(dir, "results.md"))
	require.NoError(t, err)
	require.Contains(t, string(page), "| gorilla, cookie |")

	require.NoError(t, os.Remove(filepath.Join(dir, "results.md")))
	require.NoError(t, run(t.Context(), []string{"-redraw", filepath.Join(dir, "results.json")}, &log))
	again, err := os.ReadFile(filepath.Join(dir, "results.md"))
	require.NoError(t, err)
	require.Equal(t, string(page), string(again))
}

func TestRun_refuses(t *testing.T) {
	var log bytes.Buffer
	for _, args := range [][]string{
		{"-only", "P99"}, {"surplus"}, {"-unknown"}, {"-redraw", filepath.Join(t.TempDir(), "none.json")},
	} {
		require.Error(t, run(t.Context(), args, &log), "%v", args)
	}
	require.Contains(t, log.String(), "usage: go run .")
}
