package cases_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/cases"
	"github.com/gimlet-go/gimlet/bench/internal/report"
)

// Cases start processes of this program, as of the real one.
func TestMain(m *testing.M) {
	if found, err := cases.ChildMain(os.Stdout); found {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny is enough to see that every case does what it says.
var tiny = cases.Scale{
	Turns:     1,
	Cost:      5 * time.Millisecond,
	Write:     20 * time.Millisecond,
	Sustained: 50 * time.Millisecond,
	Network:   20 * time.Millisecond,
	Disturbed: 20 * time.Millisecond,
	Resident:  50 * time.Millisecond,
	Few:       100,
	Some:      200,
	Many:      300,
	Expired:   50,
	Life:      time.Second,
	Sessions:  []int{10, 100},
	Notes:     []int{100, 64_000},
	Long:      20,
}

// Every case measures each of its columns for each of its rows, checks every
// goal that it has, and leaves nothing behind.
func TestCases(t *testing.T) {
	dir := t.TempDir()
	b, err := cases.New(t.Context(), dir, tiny, io.Discard)
	require.NoError(t, err)
	run := &report.Run{}
	for _, c := range cases.All() {
		t.Run(c.ID, func(t *testing.T) {
			if _, err := exec.LookPath("redis-server"); err != nil && c.ID == "P14" {
				t.Skip("redis-server is not installed")
			}
			found, err := b.Run(c)
			require.NoError(t, err)
			run.Cases = append(run.Cases, found)
			if runtime.GOOS != "linux" && found.LeftOut != "" {
				return
			}
			require.Empty(t, found.LeftOut)
			complete(t, found)
			require.Equal(t, c.Goal != "", len(found.Checks) > 0)
		})
	}
	run.Contestants = b.Contestants()
	require.NoError(t, b.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	page(t, run)
}

func complete(t *testing.T, c *report.Case) {
	t.Helper()
	require.NotEmpty(t, c.Rows)
	for _, row := range c.Rows {
		for _, column := range c.Columns {
			values := row.Values[column.Key]
			require.NotEmpty(t, values, "%s of %s", column.Key, row.Name)
			for _, v := range values {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < 0, "%s of %s is %v", column.Key, row.Name, v)
			}
		}
	}
	for _, k := range c.Checks {
		require.NotEmpty(t, k.Goal)
		require.False(t, math.IsNaN(k.Median), k.Goal)
	}
}

// The page names every contestant of its tables and shows every chart, and the
// data makes the same page again.
func page(t *testing.T, run *report.Run) {
	t.Helper()
	files, figures := cases.Draw(run)
	require.Len(t, files, len(figures))
	var text strings.Builder
	require.NoError(t, run.Markdown(&text, figures))
	for name := range files {
		require.Contains(t, text.String(), "("+name+")")
	}
	known := "floor: one fdatasync, floor: one bbolt commit"
	for _, c := range run.Contestants {
		require.NotEmpty(t, c.About)
		known += c.Name + "\n"
	}
	for _, c := range run.Cases {
		for _, row := range c.Rows {
			require.Contains(t, known, row.Name)
		}
	}
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, run.Save(path))
	loaded, err := report.Load(path)
	require.NoError(t, err)
	again, figures := cases.Draw(loaded)
	require.Equal(t, files, again)
	var second strings.Builder
	require.NoError(t, loaded.Markdown(&second, figures))
	require.Equal(t, text.String(), second.String())
}

func TestChoose(t *testing.T) {
	all, err := cases.Choose(nil)
	require.NoError(t, err)
	require.Len(t, all, 17)
	ids := map[string]bool{}
	for _, c := range all {
		ids[c.ID] = true
		require.Contains(t, cases.Usage(), c.Title)
	}
	for i := range 14 {
		require.True(t, ids[fmt.Sprintf("P%d", i+1)], "P%d", i+1)
	}
	some, err := cases.Choose([]string{"C1", "P5"})
	require.NoError(t, err)
	require.Len(t, some, 2)
	_, err = cases.Choose([]string{"P5", "P15"})
	require.ErrorContains(t, err, `"P15"`)
}

// A run that is interrupted ends at the next turn, and leaves nothing behind.
func TestBench_interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	b, err := cases.New(ctx, dir, tiny, io.Discard)
	require.NoError(t, err)
	one, err := cases.Choose([]string{"P6"})
	require.NoError(t, err)
	_, err = b.Run(one[0])
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, b.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A process for a task that it cannot do says so.
func TestChildMain_errors(t *testing.T) {
	found, err := cases.ChildMain(io.Discard)
	require.NoError(t, err)
	require.False(t, found)
	for text, want := range map[string]string{
		"{":                               "unexpected end",
		`{"Peer":"nobody"}`:               "no contestant",
		`{"Peer":"Gimlet","Jar":"/none"}`: "open cookies",
	} {
		require.True(t, text == "{" || json.Valid([]byte(text)))
		t.Setenv("GIMLET_BENCH_TASK", text)
		found, err := cases.ChildMain(io.Discard)
		require.True(t, found)
		require.ErrorContains(t, err, want)
	}
}

// Without a Redis server, and without the means to get one, its case is left
// out with the reason, and the run goes on.
func TestBench_withoutRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b, err := cases.New(t.Context(), t.TempDir(), tiny, io.Discard)
	require.NoError(t, err)
	chosen, err := cases.Choose([]string{"P14"})
	require.NoError(t, err)
	found, err := b.Run(chosen[0])
	require.NoError(t, err)
	require.Contains(t, found.LeftOut, "redis-server is not installed")
	require.Empty(t, found.Rows)
	require.NoError(t, b.Close())
}
