package fuzz_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const corpus = "testdata/fuzz"

// Every target has inputs on disk, and all inputs on disk are of a target: one
// that was renamed would run without them, and nobody would notice.
func TestCorpus(t *testing.T) {
	targets := targetsOf(t)
	require.NotEmpty(t, targets)
	folders, err := os.ReadDir(corpus)
	require.NoError(t, err)
	var named []string
	for _, folder := range folders {
		require.True(t, folder.IsDir(), folder.Name())
		files, err := os.ReadDir(filepath.Join(corpus, folder.Name()))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder.Name())
		named = append(named, folder.Name())
		for _, file := range files {
			b, err := os.ReadFile(filepath.Join(corpus, folder.Name(), file.Name()))
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(string(b), "go test fuzz v1\n"), "%s/%s", folder.Name(), file.Name())
		}
	}
	require.Equal(t, targets, named)
}

// "make fuzz" finds every target: it looks for them with sed.
func TestMakefile_findsTargets(t *testing.T) {
	b, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	loop := regexp.MustCompile(`sed -n 's/(.*)/\\1/p' fuzz/(\S+?)\)`).FindStringSubmatch(string(b))
	require.NotNil(t, loop, "how the Makefile looks for targets has changed")
	// What sed calls a group is in other expressions written the other way.
	pattern := strings.NewReplacer(`\(`, `(`, `\)`, `)`, `(`, `\(`, `)`, `\)`).Replace(loop[1])
	line := regexp.MustCompile(`(?m)` + strings.TrimSuffix(pattern, ".*") + `.*$`)
	files, err := filepath.Glob(loop[2])
	require.NoError(t, err)
	var found []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range line.FindAllStringSubmatch(string(b), -1) {
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	require.Equal(t, targetsOf(t), found)
}

// targetsOf returns the names of the fuzz targets that the compiler sees.
func targetsOf(t *testing.T) (targets []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets = append(targets, f.Name.Name)
			}
		}
	}
	slices.Sort(targets)
	return targets
}
