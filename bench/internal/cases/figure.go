package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gimlet-go/gimlet/bench/internal/chart"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// A drawing is one chart: of a column of a case.
type drawing struct {
	file  string
	id    string
	key   string
	title string
	unit  string
}

// drawings are the charts of a page, and of the README.
var drawings = []drawing{
	{"untouched.svg", "P1", "cpu", "A request that does not touch its session", "ns of processor time, less is better"},
	{"read.svg", "P2", "cpu", "Reading 2 of 5 values", "ns of processor time, less is better"},
	{"write-1.svg", "P5", "rate", "Durable writes, 1 client", "requests per second, more is better"},
	{"write-64.svg", "P6", "rate", "Durable writes, 64 clients", "requests per second, more is better"},
	{"sustained.svg", "P7", "rate", "Durable writes, sustained", "requests per second, more is better"},
	{"tcp-read.svg", "P8", "read", "Reads over TCP, 64 connections", "requests per second, more is better"},
	{"tcp-mix.svg", "P8", "mix", "90 % reads and 10 % writes over TCP, 64 connections", "requests per second, more is better"},
	{"tcp-write.svg", "P8", "write", "Writes over TCP, 64 connections", "requests per second, more is better"},
	{"redis-write.svg", "P14", "write", "Writes over TCP, against Redis on the same machine", "requests per second, more is better"},
	{"sessions-write.svg", "C1", "rate", "Durable writes, by number of sessions", "requests per second, 64 clients, more is better"},
	{"sessions-read.svg", "C1", "read", "Reads, by number of sessions", "requests per second, 64 clients, more is better"},
	{"clients-write.svg", "C2", "rate", "Durable writes, by number of clients", "requests per second, more is better"},
	{"clients-read.svg", "C2", "read", "Reads, by number of clients", "requests per second, more is better"},
	{"sizes-write.svg", "C3", "rate", "Durable writes, by size of a session", "requests per second, 64 clients, more is better"},
	{"sizes-read.svg", "C3", "read", "Reads, by size of a session", "requests per second, 64 clients, more is better"},
}

// Draw returns the charts of a run, by file name, and where they belong on its
// page. Cases that were not measured have none.
func Draw(r *report.Run) (files map[string]string, figures []report.Figure) {
	files = map[string]string{}
	for _, d := range drawings {
		for _, c := range r.Cases {
			if c.ID != d.id || len(c.Rows) == 0 {
				continue
			}
			if c.X == "" {
				files[d.file] = d.bars(c)
			} else {
				files[d.file] = d.lines(c)
			}
			figures = append(figures, report.Figure{Case: c.ID, File: d.file, Alt: d.title + ", " + d.unit})
		}
	}
	return files, figures
}

func (d drawing) bars(c *report.Case) string {
	bars := chart.Bars{Title: d.title, Unit: d.unit}
	for _, row := range c.Rows {
		value := stat.Median(row.Values[d.key])
		bars.Bars = append(bars.Bars, chart.Bar{
			Name: row.Name, Value: value, Text: report.Number(value),
			Strong: strings.HasPrefix(row.Name, peer.Gimlet.Name),
		})
	}
	slices.SortStableFunc(bars.Bars, func(a, b chart.Bar) int {
		if strings.Contains(d.unit, "less is better") {
			a, b = b, a
		}
		switch {
		case a.Value > b.Value:
			return -1
		case a.Value < b.Value:
			return 1
		}
		return 0
	})
	return bars.SVG()
}

func (d drawing) lines(c *report.Case) string {
	lines := chart.Lines{Title: d.title, Unit: d.unit, X: c.X, Number: report.Number}
	for _, row := range c.Rows {
		at := slices.IndexFunc(lines.Series, func(s chart.Series) bool { return s.Name == row.Name })
		if at < 0 {
			at = len(lines.Series)
			lines.Series = append(lines.Series, chart.Series{Name: row.Name})
		}
		point := chart.Point{X: row.X, Y: stat.Median(row.Values[d.key])}
		lines.Series[at].Points = append(lines.Series[at].Points, point)
	}
	return lines.SVG()
}

// Usage lists the cases, one a line.
func Usage() string {
	var b strings.Builder
	for _, c := range All() {
		fmt.Fprintf(&b, "  %-4s %s\n", c.ID, c.Title)
	}
	return b.String()
}
