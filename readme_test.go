package gimlet_test

import (
	"encoding/json"
	"fmt"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/docs"
)

// pages are the documents whose words these tests check.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	pages := map[string]string{}
	for _, file := range append(files, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		pages[file] = docs.Read(t, file)
	}
	return pages
}

// surroundings are what a fragment of a program may use. What it declares it
// must use too.
const surroundings = `package main

import (
	"context"; "errors"; "expvar"; "fmt"; "io"; "log"; "log/slog"; "net/http"; "os"; "time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
)

var _ = []any{context.Background, errors.Is, expvar.Publish, fmt.Println, io.Copy, log.Fatal, slog.Info, os.Open, time.Now, bolt.Open, memory.New}

func fragment(sessions *gimlet.Manager, file *bolt.Store, s *gimlet.Session, w http.ResponseWriter, r *http.Request, ctx context.Context) error {
	{
%s
	}
	return nil
}

func main() {}
`

// Every program in the documents compiles, and so does every fragment of one.
// It is built as if it stood in this module, without a file being written here.
func TestDocs_programs(t *testing.T) {
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := map[string]string{}
	for i, program := range programs(t) {
		name := fmt.Sprintf("program%d", i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(program), 0o600))
		overlay[filepath.Join(here, "internal", "docs", name, "main.go")] = filepath.Join(dir, name)
	}
	b, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, b, 0o600))

	args := []string{"build", "-o", os.DevNull, "-overlay", list}
	for seen := range overlay {
		args = append(args, filepath.Dir(seen))
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// programs returns what the pages and the documentation of the package show, as
// whole programs whose positions are those of what they come from.
func programs(t *testing.T) (all []string) {
	t.Helper()
	add := func(file string, line int, text string) {
		whole := strings.HasPrefix(text, "package ")
		text = fmt.Sprintf("//line %s:%d\n%s", filepath.Base(file), line, text)
		if !whole {
			text = fmt.Sprintf(surroundings, text)
		}
		all = append(all, text)
	}
	for file, page := range pages(t) {
		for _, block := range docs.Blocks(page) {
			if block.Lang == "go" {
				add(file, block.Line, block.Text)
			}
		}
	}
	shown := len(all)
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	for _, part := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := part.(*comment.Code); ok {
			add("doc.go", 1, code.Text)
		}
	}
	require.NotZero(t, shown, "the pages show no program")
	require.Greater(t, len(all), shown, "doc.go shows no program")
	return all
}
