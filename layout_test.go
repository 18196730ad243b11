package gimlet_test

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/gimlet-go/gimlet"

	bbolt     = "go.etcd.io/bbolt"
	cborCodec = "github.com/fxamacker/cbor/v2"
	ristretto = "github.com/dgraph-io/ristretto/v2"
	system    = "golang.org/x/sys"
	testify   = "github.com/stretchr/testify/require"
	zstd      = "github.com/klauspost/compress"
)

// arrows says what each package of this module imports besides the standard
// library and internal packages. A directory that is not named has the entry
// of the nearest one above it that is. Tests may import every package of this
// module, and require.
var arrows = map[string][]string{
	".":               {"store", "cache", "compress", cborCodec},
	"store":           {},
	"store/bolt":      {"store", bbolt, system},
	"store/memory":    {"store"},
	"store/storetest": {"store", testify},
	"cache":           {"store", ristretto},
	"compress":        {"store", zstd},
	"internal":        {},
	"examples":        {".", "store", "store/bolt", "store/memory"},
	"fuzz":            {".", "store", "store/bolt", "store/memory", "cache", "compress", bbolt},
}

// forTests are internal packages for tests: no program imports them.
var forTests = []string{"internal/docs", "internal/webtest"}

// The packages depend on each other, and on other modules, only in the ways
// that arrows names. docs/design.md says why.
func TestLayout_arrows(t *testing.T) {
	require.Empty(t, badArrows(importsOfModule(t)))
}

// The test above finds what it is there to find.
func TestLayout_findsBadArrows(t *testing.T) {
	for _, bad := range []imports{
		{dir: ".", of: []string{module + "/store/bolt"}},
		{dir: "store", of: []string{module + "/internal/gate"}},
		{dir: ".", of: []string{module + "/internal/webtest"}},
		{dir: "internal/webtest", of: []string{module}},
		{dir: "internal/webtest", of: []string{testify}},
		{dir: "cache", of: []string{module + "/compress"}},
		{dir: "store/bolt", of: []string{module + "/store/memory"}},
		{dir: "store/memory", of: []string{bbolt}},
		{dir: "cache", of: []string{system + "/unix"}},
		{dir: "compress", of: []string{testify}},
		{dir: "cache", of: []string{path.Dir(testify) + "/assert"}, test: true},
		{dir: "compress", of: []string{bbolt + "/errors"}, test: true},
		{dir: "new", of: []string{module}},
	} {
		require.Len(t, badArrows([]imports{bad}), 1, "%v", bad)
	}
	for _, good := range []imports{
		{dir: ".", of: []string{"context", module + "/store", cborCodec, module + "/internal/gate"}},
		{dir: ".", of: []string{module + "/store/bolt", testify}, test: true},
		{dir: "examples/single-binary", of: []string{module + "/internal/webtest"}, test: true},
		{dir: "examples/single-binary", of: []string{module, module + "/store/bolt"}},
		{dir: "store/bolt", of: []string{bbolt + "/errors"}, test: true},
	} {
		require.Empty(t, badArrows([]imports{good}))
	}
}

// Whoever imports this module gets these six and what they need.
func TestLayout_dependencies(t *testing.T) {
	b, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	var direct []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			direct = append(direct, fields[0])
		}
	}
	slices.Sort(direct)
	require.Equal(t, []string{ristretto, cborCodec, zstd, path.Dir(testify), bbolt, system}, direct)
}

// imports are those of one file.
type imports struct {
	dir  string // of the file, with slashes, from the module's root
	of   []string
	test bool
}

func importsOfModule(t *testing.T) (all []imports) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipForeign(name, d)
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		of := imports{dir: path.Dir(filepath.ToSlash(name)), test: strings.HasSuffix(name, "_test.go")}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			of.of = append(of.of, imported)
		}
		all = append(all, of)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(all), 50, "the files of this module were not found")
	return all
}

// skipForeign skips the directories that are not of this module.
func skipForeign(name string, d fs.DirEntry) error {
	if name == "." {
		return nil
	}
	if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

// badArrows says of each import that should not be what it is.
func badArrows(files []imports) (bad []string) {
	for _, file := range files {
		for _, imported := range file.of {
			if !file.mayImport(imported) {
				bad = append(bad, fmt.Sprintf("%s (test: %t) imports %s", file.dir, file.test, imported))
			}
		}
	}
	return bad
}

func (f imports) mayImport(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	allowed, ok := arrowsOf(f.dir)
	if !ok {
		return false
	}
	inside, ours := strings.CutPrefix(imported+"/", module+"/")
	inside = cmp.Or(strings.TrimSuffix(inside, "/"), ".")
	if ours {
		internal := strings.HasPrefix(inside, "internal/") && f.dir != "store"
		internal = internal && !slices.Contains(forTests, inside)
		return f.test || internal || slices.Contains(allowed, inside)
	}
	return f.test && imported == testify || slices.ContainsFunc(allowed, func(a string) bool {
		return strings.HasPrefix(imported+"/", a+"/")
	})
}

func arrowsOf(dir string) ([]string, bool) {
	for {
		if allowed, ok := arrows[dir]; ok {
			return allowed, true
		}
		if !strings.Contains(dir, "/") {
			return nil, false
		}
		dir = path.Dir(dir)
	}
}
