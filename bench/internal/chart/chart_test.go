package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/chart"
)

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// wellFormed reads an SVG to its end, as a browser does.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.NotContains(t, svg, "NaN")
	require.NotContains(t, svg, "Inf")
	require.Contains(t, svg, "prefers-color-scheme:dark")
}

func TestBars(t *testing.T) {
	svg := chart.Bars{Title: "a <title>", Unit: "per second", Bars: []chart.Bar{
		{Name: "ours", Value: 100, Text: "100", Strong: true},
		{Name: "theirs & others", Value: 50, Text: "50"},
		{Name: "not measured", Value: math.NaN(), Text: "–"},
	}}.SVG()
	wellFormed(t, svg)
	lengths := regexp.MustCompile(`<rect class="(\w+)".* width="([\d.]+)"`).FindAllStringSubmatch(svg, -1)
	require.Len(t, lengths, 3)
	require.Equal(t, "ours", lengths[0][1])
	require.Equal(t, "peer", lengths[1][1])
	first, err := strconv.ParseFloat(lengths[0][2], 64)
	require.NoError(t, err)
	second, err := strconv.ParseFloat(lengths[1][2], 64)
	require.NoError(t, err)
	require.InDelta(t, 2, first/second, 0.01, "half the value is half the length")
	wellFormed(t, chart.Bars{}.SVG())
}

func TestLines(t *testing.T) {
	svg := chart.Lines{Title: "growth", X: "sessions", Number: number, Series: []chart.Series{
		{Name: "one", Points: []chart.Point{{10, 1000}, {100, 100}, {1000, 10}, {10_000, 0}}},
		{Name: "other", Points: []chart.Point{{10, 11}, {1000, 11}}},
		{Name: "none"},
	}}.SVG()
	wellFormed(t, svg)
	require.Contains(t, svg, ">one</text>")
	require.NotContains(t, svg, ">none</text>")
	path := regexp.MustCompile(`class="line s0" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"`).FindStringSubmatch(svg)
	require.Len(t, path, 7, "the point that is zero is left out")
	var at [6]float64
	for i := range at {
		var err error
		at[i], err = strconv.ParseFloat(path[i+1], 64)
		require.NoError(t, err)
	}
	require.InDelta(t, at[2]-at[0], at[4]-at[2], 0.2, "equal factors are equal distances")
	require.InDelta(t, at[3]-at[1], at[5]-at[3], 0.2)
	require.Less(t, at[1], at[5], "more is further up")
	wellFormed(t, chart.Lines{Number: number}.SVG())
	wellFormed(t, chart.Lines{Number: number, Series: []chart.Series{{Name: "a", Points: []chart.Point{{1, 1}}}}}.SVG())
}
