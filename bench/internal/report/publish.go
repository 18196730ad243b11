package report

import (
	"fmt"
	"strings"

	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// Insert puts text between the lines "<!-- name -->" and "<!-- /name -->" of a
// page, in place of what was there.
func Insert(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("the page has no lines %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + text + "\n\n" + end + after, nil
}

// Goals is the table of all goals and whether they were reached.
func (r *Run) Goals() string {
	var b strings.Builder
	r.summary(&b)
	_, table, _ := strings.Cut(b.String(), "\n\n")
	return strings.TrimSuffix(table, "\n")
}

// A quantity is one line of the overview.
type quantity struct {
	title, id, key string
	last           bool // of the rows of a contestant the last one, not the first
}

var overviewed = []quantity{
	{title: "untouched session, ns", id: "P1", key: "cpu"},
	{title: "read 2 of 5 values, ns", id: "P2", key: "cpu"},
	{title: "writes a second, 1 client", id: "P5", key: "rate"},
	{title: "writes a second, 64 clients", id: "P6", key: "rate"},
	{title: "the same among 1,000,000 sessions", id: "P7", key: "rate"},
	{title: "TCP, reads a second", id: "P8", key: "read"},
	{title: "TCP, 90 % reads, a second", id: "P8", key: "mix"},
	{title: "TCP, writes a second", id: "P8", key: "write"},
	{title: "bytes to the disk a write", id: "P9", key: "disk"},
	{title: "the same among 1,000,000 sessions", id: "P9", key: "disk", last: true},
	{title: "file bytes a session", id: "P10", key: "allocated"},
}

// Overview is a table of medians, a line for each quantity and a column for
// each of the contestants.
func (r *Run) Overview(names ...string) string {
	var b strings.Builder
	b.WriteString("| |")
	for _, name := range names {
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(names)) + "\n")
	for _, q := range overviewed {
		fmt.Fprintf(&b, "| %s |", q.title)
		for _, name := range names {
			fmt.Fprintf(&b, " %s |", r.median(q, name))
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// median is that of a quantity for one contestant.
func (r *Run) median(q quantity, name string) string {
	found := "–"
	for _, c := range r.Cases {
		if c.ID != q.id {
			continue
		}
		for _, row := range c.Rows {
			if row.Name == name && len(row.Values[q.key]) > 0 && (found == "–" || q.last) {
				found = Number(stat.Median(row.Values[q.key]))
			}
		}
	}
	return found
}
