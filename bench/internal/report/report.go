// Package report is what a run has found, as data, and the page that shows it.
// The data is written as JSON, from which page and charts can be made again.
package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// A Run is one run of the program.
type Run struct {
	Started     time.Time
	Seconds     float64 // how long it took
	Short       bool
	Machine     machine.Facts
	Contestants []Contestant
	Cases       []*Case
}

// A Contestant is said once, for all cases.
type Contestant struct{ Name, About string }

// A Case is one kind of work, and what was measured of it.
type Case struct {
	ID    string // P1 to P14, or C1 to C3 for the curves
	Title string
	Goal  string // in words, "" for curves
	How   string // what was done, and with how much
	X     string // what Row.X counts; "" when rows differ by name alone

	Columns []Column
	Rows    []*Row
	Checks  []Check
	Notes   []string
	LeftOut string // why nothing was measured, "" if it was
}

// A Column is one quantity that was measured.
type Column struct{ Key, Title, Unit string }

// A Row is what was measured of one contestant: for the key of each column the
// values of all turns, in their order.
type Row struct {
	Name   string
	X      float64
	Values map[string][]float64
}

// Row returns the row of a name and X, which it adds if there is none yet.
func (c *Case) Row(name string, x float64) *Row {
	for _, r := range c.Rows {
		if r.Name == name && r.X == x {
			return r
		}
	}
	r := &Row{Name: name, X: x, Values: map[string][]float64{}}
	c.Rows = append(c.Rows, r)
	return r
}

// Add adds the value of one turn.
func (r *Row) Add(key string, value float64) {
	r.Values[key] = append(r.Values[key], value)
}

// Note adds a sentence that the page shows below the table.
func (c *Case) Note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// A Check compares a measurement with one clause of a goal.
type Check struct {
	Goal            string // the clause in words
	Unit            string // of all numbers: "times", "ns", "%", …
	Median          float64
	Least, Greatest float64 // of all turns
	Limit           float64
	AtLeast         bool // whether the limit is the least that will do, or the most
}

// Reached reports whether the median is within the limit.
func (c Check) Reached() bool {
	if c.AtLeast {
		return c.Median >= c.Limit
	}
	return c.Median <= c.Limit
}

// AtLeast adds a check: the median of the values must be at least limit.
func (c *Case) AtLeast(goal string, values []float64, limit float64, unit string) {
	c.check(goal, values, limit, unit, true)
}

// AtMost adds a check: the median of the values must be at most limit.
func (c *Case) AtMost(goal string, values []float64, limit float64, unit string) {
	c.check(goal, values, limit, unit, false)
}

// A check without values is not added: a number that was never measured
// neither reaches a goal nor misses it. A ratio to nothing is no number.
func (c *Case) check(goal string, values []float64, limit float64, unit string, atLeast bool) {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool {
		return math.IsNaN(v) || math.IsInf(v, 0)
	})
	if len(values) == 0 {
		return
	}
	least, greatest := stat.Spread(values)
	c.Checks = append(c.Checks, Check{
		Goal: goal, Unit: unit, Median: stat.Median(values), Least: least, Greatest: greatest,
		Limit: limit, AtLeast: atLeast,
	})
}

// Save writes the run as JSON.
func (r *Run) Save(path string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("report: save: %w", err)
	}
	return nil
}

// Load reads what Save wrote.
func Load(path string) (*Run, error) {
	b, err := os.ReadFile(path)
	var r Run
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("report: load %s: %w", path, err)
	}
	return &r, nil
}
