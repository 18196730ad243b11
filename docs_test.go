package gimlet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/internal/docs"
)

var testName = regexp.MustCompile("`((?:Test|Benchmark|Fuzz|Example)[A-Z_][A-Za-z0-9_]*)")

// Every test, benchmark, fuzz target and example that the documents name exists.
func TestDocs_tests(t *testing.T) {
	exist := functions(t, ".", func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	for file, page := range pages(t) {
		for _, match := range testName.FindAllStringSubmatch(page, -1) {
			require.Contains(t, exist, match[1], "named in %s", file)
		}
	}
}

// The README lists every option of New and no other.
func TestDocs_options(t *testing.T) {
	var want, got []string
	for name := range functions(t, ".", func(name string) bool {
		return filepath.Dir(name) == "." && !strings.HasSuffix(name, "_test.go")
	}) {
		if strings.HasPrefix(name, "With") {
			want = append(want, name)
		}
	}
	for _, row := range docs.Rows(t, docs.Read(t, "README.md"), "option") {
		name, _, _ := strings.Cut(strings.TrimPrefix(row[0], "`"), "(")
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)
}

// functions returns the names of the functions, methods apart, in the Go files
// below dir that are wanted. Nested modules are included.
func functions(t *testing.T, dir string, wanted func(name string) bool) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || !wanted(name) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	return names
}

// docs/operations.md names every event and every reason.
func TestDocs_events(t *testing.T) {
	page := docs.Read(t, "docs/operations.md")
	var events, reasons []string
	for kind := gimlet.EventKind(1); kind.String() != ""; kind++ {
		events = append(events, "`"+kind.String()+"`")
	}
	for reason := gimlet.Reason(1); reason.String() != ""; reason++ {
		reasons = append(reasons, "`"+reason.String()+"`")
	}
	require.Equal(t, events, firstCells(docs.Rows(t, page, "event")))
	require.Equal(t, reasons, firstCells(docs.Rows(t, page, "reason")))
}

func firstCells(rows [][]string) (cells []string) {
	for _, row := range rows {
		cells = append(cells, row[0])
	}
	return cells
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code     = regexp.MustCompile("`[^`\n]+`")
	fileName = regexp.MustCompile("`([a-z_]+\\.go)`")
)

// Links from one document to another lead to a file, and to a heading in it.
func TestDocs_links(t *testing.T) {
	for file, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
			target, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := file
			if target != "" {
				to = filepath.Join(filepath.Dir(file), filepath.FromSlash(target))
				_, err := os.Stat(to)
				require.NoError(t, err, "%s links to %s", file, match[1])
			}
			if heading != "" {
				require.Contains(t, headings(docs.Read(t, to)), heading, "%s links to %s", file, match[1])
			}
		}
	}
}

// The files of this package that docs/design.md names exist.
func TestDocs_files(t *testing.T) {
	matches := fileName.FindAllStringSubmatch(docs.Read(t, "docs/design.md"), -1)
	require.NotEmpty(t, matches)
	for _, match := range matches {
		require.FileExists(t, match[1])
	}
}

// headings returns the names by which links lead to the headings of a page.
func headings(page string) []string {
	var names []string
	for line := range strings.Lines(page) {
		if text := strings.TrimLeft(line, "#"); text != line && strings.HasPrefix(text, " ") {
			text = strings.ToLower(strings.TrimSpace(text))
			names = append(names, regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(text, ""))
		}
	}
	for i := range names {
		names[i] = strings.ReplaceAll(names[i], " ", "-")
	}
	return names
}

// Each worked example of docs/format.md is read by a test.
func TestDocs_formatExamples(t *testing.T) {
	var tests string
	for _, file := range []string{"docs_format_test.go", "docs_values_test.go", "store/bolt/docs_format_test.go"} {
		tests += docs.Read(t, file)
	}
	shown := 0
	for _, block := range docs.Blocks(docs.Read(t, "docs/format.md")) {
		if block.Lang == "hex" {
			shown++
			require.Contains(t, tests, `"`+block.Name+`"`)
		}
	}
	require.NotZero(t, shown)
}
