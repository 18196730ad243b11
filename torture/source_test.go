package torture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A source is what the controls are looked for in.
type source struct {
	safeguards map[string]bool            // of the library, that can be left out
	functions  map[string][]*ast.FuncDecl // of the tests here, methods apart; two packages may have one of the same name
}

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{safeguards: map[string]bool{}, functions: map[string][]*ast.FuncDecl{}}
	var packages []string
	require.NoError(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "safeguard.go" {
			packages = append(packages, filepath.ToSlash(filepath.Dir(name))[len("../"):])
			s.addSafeguards(t, name)
		}
		return err
	}))
	require.ElementsMatch(t, rig.Guarded, packages, "the packages that have safeguards")
	files, err := filepath.Glob("*/*_test.go")
	require.NoError(t, err)
	for _, name := range files {
		for _, d := range parse(t, name).Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				s.functions[f.Name.Name] = append(s.functions[f.Name.Name], f)
			}
		}
	}
	return s
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	return file
}

// addSafeguards adds the constants of a file, each of which another file makes a variable
// that can be set.
func (s *source) addSafeguards(t *testing.T, name string) {
	t.Helper()
	var names []string
	for _, d := range parse(t, name).Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, spec := range g.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					names = append(names, id.Name)
					s.safeguards[id.Name] = true
				}
			}
		}
	}
	broken := strings.TrimSuffix(name, ".go") + "_broken.go"
	require.Subset(t, stringsIn(parse(t, broken)), names, broken)
}

// stringsIn returns the strings of a piece of source, those of comments apart.
func stringsIn(n ast.Node) (all []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// leftOut returns which controls leave out which safeguard: they, or what they call, name
// it.
func (s *source) leftOut(t *testing.T) map[string][]string {
	t.Helper()
	left := map[string][]string{}
	for name := range s.functions {
		if !strings.HasSuffix(name, "_control") {
			continue
		}
		for text := range s.named(name, map[string]bool{}) {
			for _, safeguard := range strings.Split(text, ",") {
				if s.safeguards[safeguard] {
					left[safeguard] = append(left[safeguard], name)
				}
			}
		}
	}
	return left
}

// named returns the strings of a function and of those that it calls.
func (s *source) named(name string, seen map[string]bool) map[string]bool {
	all := map[string]bool{}
	if seen[name] {
		return all
	}
	seen[name] = true
	for _, f := range s.functions[name] {
		for _, text := range stringsIn(f) {
			all[text] = true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				for text := range s.named(id.Name, seen) {
					all[text] = true
				}
			}
			return true
		})
	}
	return all
}

// tests returns the tests that must have controls.
func (s *source) tests() (names []string) {
	for name := range s.functions {
		rest, ok := strings.CutPrefix(name, "Test")
		if ok && rest != "Main" && !strings.HasPrefix(rest, "Controls") && !strings.HasSuffix(rest, "_control") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// hasControl reports whether a test has one, perhaps together with others.
func (s *source) hasControl(name string) bool {
	for ok := true; ok; {
		if s.functions[name+"_control"] != nil {
			return true
		}
		end := strings.LastIndexByte(name, '_')
		if ok = end > 0; ok {
			name = name[:end]
		}
	}
	return false
}

// What the test above looks for is missing where it is missing.
func TestControls_found(t *testing.T) {
	s := readSource(t)
	require.NotEmpty(t, s.leftOut(t)["heals"])
	delete(s.functions, "TestSyncError_control")
	require.Empty(t, s.leftOut(t)["heals"], "nothing else leaves it out")
	require.Contains(t, s.tests(), "TestSyncError")
}
