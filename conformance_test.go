package gimlet_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/docs"
)

const conformancePage = "docs/conformance.md"

// conformanceRows is how many rows each list of docs/conformance.md has; those
// of the features have no letter.
var conformanceRows = map[string]int{
	"A": 9, "B": 21, "C": 25, "D": 17, "E": 7, "F": 13, "G": 6, "H": 5, "V": 46, "S": 17, "P": 10, "": 61,
}

// docs/conformance.md has every row of its lists, and each row is whole: no
// cell is empty, and the last one names tests that exist or a page.
func TestConformance_rows(t *testing.T) {
	page := docs.Read(t, conformancePage)
	exist := functions(t, ".", func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	require.Empty(t, conformanceFlaws(t, page, exist))
}

// The negative control: each kind of flaw is found.
func TestConformance_flawsAreFound(t *testing.T) {
	page := docs.Read(t, conformancePage)
	exist := functions(t, ".", func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	row := docs.Rows(t, page, "id")[0]
	line := "| " + strings.Join(row, " | ") + " |"
	require.Contains(t, page, line)
	without := func(i int) string {
		cells := slices.Clone(row)
		cells[i] = ""
		return "| " + strings.Join(cells, " | ") + " |"
	}
	tests := map[string]string{
		"A1 is missing":             strings.Replace(page, line+"\n", "", 1),
		"A1 stands there 2 times":   strings.Replace(page, line, line+"\n"+line, 1),
		"A1 has 4 cells of 5":       strings.Replace(page, line, "| "+strings.Join(row[:4], " | ")+" |", 1),
		"A1 has an empty cell 2":    strings.Replace(page, line, without(1), 1),
		"A1 has an empty cell 3":    strings.Replace(page, line, without(2), 1),
		"A1 has an empty cell 5":    strings.Replace(page, line, without(4), 1),
		"A1 shows nothing":          strings.Replace(page, row[4], "somewhere", 1),
		"A1 names TestSecret_moved": strings.Replace(page, row[4], "`TestSecret_moved`", 1),
		"A1 names helper_test.go":   strings.Replace(page, row[4], row[4]+", `helper_test.go`", 1),
		"F14 is of no list":         strings.Replace(page, line, line+"\n"+strings.Replace(line, "A1", "F14", 1), 1),
	}
	for want, broken := range tests {
		require.NotEqual(t, page, broken, want)
		require.Contains(t, conformanceFlaws(t, broken, exist), want)
	}
}

// conformanceFlaws says what is wrong with the tables of a page.
func conformanceFlaws(t *testing.T, page string, exist map[string]bool) (flaws []string) {
	t.Helper()
	seen := make(map[string]int)
	for _, row := range docs.Rows(t, page, "id") {
		id := row[0]
		seen[id]++
		if cells := cellsOf(id); len(row) != cells {
			flaws = append(flaws, fmt.Sprintf("%s has %d cells of %d", id, len(row), cells))
		}
		for i, cell := range row {
			if cell == "" {
				flaws = append(flaws, fmt.Sprintf("%s has an empty cell %d", id, i+1))
			}
		}
		flaws = append(flaws, shownFlaws(id, row[len(row)-1], exist)...)
	}
	var want []string
	for letter, n := range conformanceRows {
		for i := range n {
			want = append(want, letter+strconv.Itoa(i+1))
		}
	}
	for _, id := range want {
		switch n := seen[id]; {
		case n > 1:
			flaws = append(flaws, fmt.Sprintf("%s stands there %d times", id, n))
		case n == 0:
			flaws = append(flaws, id+" is missing")
		}
		delete(seen, id)
	}
	for id := range seen {
		flaws = append(flaws, id+" is of no list")
	}
	return flaws
}

// cellsOf is how many cells a row has: defects and features have no source.
func cellsOf(id string) int {
	if strings.Trim(id[:min(1, len(id))], "SP0123456789") == "" {
		return 4
	}
	return 5
}

// shownFlaws says what is wrong with the cell that names what shows a row.
// Whether its links lead somewhere is the affair of TestDocs_links.
func shownFlaws(id, cell string, exist map[string]bool) (flaws []string) {
	names := code.FindAllString(cell, -1)
	if len(names) == 0 && !link.MatchString(cell) {
		flaws = append(flaws, id+" shows nothing")
	}
	for _, name := range names {
		name = strings.Trim(name, "`")
		isTest := strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
		if !isTest || !exist[name] {
			flaws = append(flaws, id+" names "+name)
		}
	}
	return flaws
}
