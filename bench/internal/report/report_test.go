package report_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/report"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1.2345: "1.23", 45.67: "45.7", 789.4: "789", 999.9: "1,000", 12345: "12,300",
		1234567: "1,230,000", 0.01234: "0.0123", -1234: "-1,230", -0.5: "-0.5", 1000: "1,000",
		math.NaN(): "–", math.Inf(1): "–",
	} {
		require.Equal(t, want, report.Number(v), "%v", v)
	}
}

func TestCase_checks(t *testing.T) {
	var c report.Case
	c.AtLeast("at least 3", []float64{2, 3, 9}, 3, "times")
	c.AtLeast("at least 4", []float64{2, 3, 9}, 4, "times")
	c.AtMost("at most 3", []float64{2, 3, 9}, 3, "ns")
	c.AtMost("at most 2", []float64{2, 3, 9}, 2, "ns")
	c.AtLeast("never measured", nil, 0, "")
	c.AtLeast("no number", []float64{math.NaN(), math.Inf(1)}, 0, "")
	var reached []bool
	for _, k := range c.Checks {
		reached = append(reached, k.Reached())
	}
	require.Equal(t, []bool{true, false, true, false}, reached)
	require.Equal(t, []float64{3, 2, 9}, []float64{c.Checks[0].Median, c.Checks[0].Least, c.Checks[0].Greatest})
	require.False(t, report.Check{Median: math.NaN(), AtLeast: true}.Reached())
	require.False(t, report.Check{Median: math.NaN()}.Reached())
}

func example() *report.Run {
	c := &report.Case{
		ID: "P1", Title: "a page", Goal: "fast", How: "It was called.", X: "sessions",
		Columns: []report.Column{{Key: "ns", Title: "time", Unit: "ns"}, {Key: "n", Title: "count"}},
	}
	for _, v := range []float64{1100, 1000, 1200} {
		c.Row("one", 10).Add("ns", v)
		c.Row("other", 10).Add("ns", 5)
		c.Row("other", 10).Add("n", 7)
	}
	c.AtMost("at most 9 ns", c.Row("one", 10).Values["ns"], 9, "ns")
	c.AtMost("at most 9 ns", c.Row("other", 10).Values["ns"], 9, "ns")
	c.Note("a %s", "note")
	return &report.Run{
		Started: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Seconds: 61, Machine: machine.Facts{CPU: "fast one", Cores: 2},
		Contestants: []report.Contestant{{Name: "one", About: "the first"}},
		Cases:       []*report.Case{c, {ID: "P2", Title: "another", Goal: "faster", LeftOut: "no server"}},
	}
}

func TestRun_Markdown(t *testing.T) {
	var b strings.Builder
	require.NoError(t, example().Markdown(&b, []report.Figure{{Case: "P1", File: "a.svg", Alt: "a chart"}}))
	for _, want := range []string{
		"| processor | fast one, 2 cores |", "| started | 2026-01-02 03:04 UTC |", "| took | 1m1s |",
		"| P1 | a page | at most 9 ns | 1,100 ns (1,000 to 1,200) | **no** |",
		"| P1 | a page | at most 9 ns | 5 ns | yes |",
		"| P2 | another | faster | left out: no server | – |",
		"| | sessions | time, ns | count |", "| one | 10 | 1,100 (1,000 to 1,200) |  |", "| other | 10 | 5 | 7 |",
		"![a chart](a.svg)", "- a note", "| one | the first |",
	} {
		require.Contains(t, b.String(), want+"\n")
	}
	require.NotContains(t, b.String(), "short run")
}

func TestRun_Save(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	r := example()
	r.Short = true
	require.NoError(t, r.Save(path))
	loaded, err := report.Load(path)
	require.NoError(t, err)
	require.Equal(t, r, loaded)
	var b strings.Builder
	require.NoError(t, loaded.Markdown(&b, nil))
	require.Contains(t, b.String(), "short run")
	_, err = report.Load(path + ".none")
	require.Error(t, err)
}
