package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// A Figure is a chart to be shown with a case.
type Figure struct{ Case, File, Alt string }

// Markdown writes the page. Figures stand below the table of their case.
func (r *Run) Markdown(w io.Writer, figures []Figure) error {
	var b strings.Builder
	b.WriteString("# How fast it is\n\n")
	b.WriteString("Everything here was measured in one run, contestants in turns. Numbers are medians of all turns, with the least and the\ngreatest in brackets. Ratios are taken within each turn; the median of the ratios is shown. Absolute numbers differ from\nmachine to machine, ratios less so.\n\n")
	if r.Short {
		b.WriteString("**This was a short run** (`-short`): the same work with fewer sessions and less time, to see that all of it works.\nIts numbers say little.\n\n")
	}
	r.machine(&b)
	r.summary(&b)
	for _, c := range r.Cases {
		c.markdown(&b)
		for _, f := range figures {
			if f.Case == c.ID {
				fmt.Fprintf(&b, "![%s](%s)\n\n", f.Alt, f.File)
			}
		}
	}
	b.WriteString("## Contestants\n\n| name | what it is |\n|---|---|\n")
	for _, c := range r.Contestants {
		fmt.Fprintf(&b, "| %s | %s |\n", c.Name, c.About)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Run) machine(b *strings.Builder) {
	m := r.Machine
	b.WriteString("| machine | |\n|---|---|\n")
	for _, line := range [][2]string{
		{"processor", fmt.Sprintf("%s, %d cores", m.CPU, m.Cores)},
		{"memory", m.Memory},
		{"system", m.OS},
		{"file system of the stores", m.FileSystem},
		{"Go", m.Go},
		{"started", r.Started.UTC().Format("2006-01-02 15:04 UTC")},
		{"took", time.Duration(r.Seconds * float64(time.Second)).Round(time.Second).String()},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", line[0], line[1])
	}
	b.WriteString("\n")
}

// summary lists the clauses of all goals.
func (r *Run) summary(b *strings.Builder) {
	b.WriteString("## Goals\n\n| | work | goal | measured | reached |\n|---|---|---|---|---|\n")
	for _, c := range r.Cases {
		if c.Goal == "" {
			continue
		}
		if c.LeftOut != "" {
			fmt.Fprintf(b, "| %s | %s | %s | left out: %s | – |\n", c.ID, c.Title, c.Goal, c.LeftOut)
		}
		for _, k := range c.Checks {
			reached := "**no**"
			if k.Reached() {
				reached = "yes"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", c.ID, c.Title, k.Goal, k.measured(), reached)
		}
	}
	b.WriteString("\n")
}

func (k Check) measured() string {
	unit := k.Unit
	if unit != "" {
		unit = " " + unit
	}
	if k.Least == k.Greatest {
		return Number(k.Median) + unit
	}
	return fmt.Sprintf("%s%s (%s to %s)", Number(k.Median), unit, Number(k.Least), Number(k.Greatest))
}

func (c *Case) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## %s: %s\n\n", c.ID, c.Title)
	if c.Goal != "" {
		fmt.Fprintf(b, "Goal: %s.\n\n", c.Goal)
	}
	if c.How != "" {
		fmt.Fprintf(b, "%s\n\n", c.How)
	}
	if c.LeftOut != "" {
		fmt.Fprintf(b, "Left out: %s.\n\n", c.LeftOut)
	}
	if len(c.Rows) > 0 {
		c.table(b)
	}
	for _, n := range c.Notes {
		fmt.Fprintf(b, "- %s\n", n)
	}
	if len(c.Notes) > 0 {
		b.WriteString("\n")
	}
}

func (c *Case) table(b *strings.Builder) {
	b.WriteString("| |")
	if c.X != "" {
		fmt.Fprintf(b, " %s |", c.X)
	}
	for _, col := range c.Columns {
		title := col.Title
		if col.Unit != "" {
			title += ", " + col.Unit
		}
		fmt.Fprintf(b, " %s |", title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(c.Columns)))
	if c.X != "" {
		b.WriteString("---:|")
	}
	b.WriteString("\n")
	for _, row := range c.Rows {
		fmt.Fprintf(b, "| %s |", row.Name)
		if c.X != "" {
			fmt.Fprintf(b, " %s |", Number(row.X))
		}
		for _, col := range c.Columns {
			fmt.Fprintf(b, " %s |", cell(row.Values[col.Key]))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func cell(values []float64) string {
	if len(values) == 0 {
		return ""
	}
	median := Number(stat.Median(values))
	least, greatest := stat.Spread(values)
	if Number(least) == Number(greatest) {
		return median
	}
	return fmt.Sprintf("%s (%s to %s)", median, Number(least), Number(greatest))
}
