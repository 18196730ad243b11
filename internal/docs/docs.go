// Package docs reads what the documentation of this project shows (bytes,
// programs, tables), for the tests that keep it true.
package docs

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// A Block is a fenced block of a page in Markdown.
type Block struct {
	Lang string // the first word behind the fence
	Name string // what follows it
	Text string
	Line int // where the text begins, counted from 1
}

// Read returns the text of a page. It fails the test if there is none.
func Read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// Blocks returns the fenced blocks of a page, in their order.
func Blocks(page string) []Block {
	const fence = "```"
	var blocks []Block
	var open *Block
	n := 0
	for line := range strings.Lines(page) {
		n++
		info, isFence := strings.CutPrefix(strings.TrimSpace(line), fence)
		switch {
		case open == nil && isFence:
			lang, name, _ := strings.Cut(info, " ")
			open = &Block{Lang: lang, Name: strings.TrimSpace(name), Line: n + 1}
		case open != nil && isFence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line
		}
	}
	return blocks
}

// Bytes returns the bytes that the page shows in its block "hex name". On each
// line of such a block there are bytes in hexadecimal digits, separated by
// single spaces, and after two spaces a remark. It fails the test if there is
// no such block, or if it cannot be read.
func Bytes(t testing.TB, page, name string) []byte {
	t.Helper()
	var all []byte
	for _, block := range Blocks(page) {
		if block.Lang != "hex" || block.Name != name {
			continue
		}
		for line := range strings.Lines(block.Text) {
			digits, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "  ")
			b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				t.Fatalf("block %q: %v in %q", name, err, line)
			}
			all = append(all, b...)
		}
	}
	if len(all) == 0 {
		t.Fatalf("there is no block %q", "hex "+name)
	}
	return all
}

// Rows returns the cells of the rows of the table whose head begins with the
// cell first.
func Rows(t testing.TB, page, first string) [][]string {
	t.Helper()
	var rows [][]string
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == first:
			inside = true
		case inside && strings.Trim(cells[0], "-:") != "":
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("there is no table with the head %q", first)
	}
	return rows
}
