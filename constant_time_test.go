package gimlet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a client sends is compared with what is secret by functions that take
// the same time wherever the two differ. No test of behaviour can show that, so
// this one reads the source: what compares a MAC or the digest of a secret does
// it so, and nothing compares a secret or its digest with an operator, but
// sameRecord, which looks for changes of a record.
func TestConformance_constantTime(t *testing.T) {
	missing := map[string]string{
		"token.go equal":    "subtle.ConstantTimeCompare",
		"csrf.go ValidCSRF": "hmac.Equal",
		"seal.go verify":    "hmac.Equal",
	}
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, comparisons(t, name, string(src), missing))
	}
	require.Empty(t, missing)
}

// The negative control: a comparison that ends early is found.
func TestConformance_constantTimeControl(t *testing.T) {
	wanted := map[string]string{"token.go equal": "subtle.ConstantTimeCompare"}
	for src, want := range map[string][]string{
		"func (d digest) equal(o digest) bool { return d == o }":                  nil,
		"func (d digest) equal(o digest) bool { return bytes.Equal(d[:], o[:]) }": nil,
		"func f(s *state, d digest) bool { return s.hash == d }":                  {"token.go f compares hash"},
		"func f(s *Session, t token) bool { return t.secret != s.token.secret }":  {"token.go f compares secret"},
	} {
		require.Equal(t, want, comparisons(t, "token.go", "package gimlet\n"+src, wanted))
		require.Len(t, wanted, 1)
	}
}

// comparisons returns which functions of a file compare a secret or its digest
// with an operator, and removes from missing those that call what it says.
func comparisons(t *testing.T, file, src string, missing map[string]string) (found []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name == "sameRecord" {
			continue
		}
		name := file + " " + f.Name.Name
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				field, ok := n.X.(*ast.SelectorExpr)
				if ok && (n.Op == token.EQL || n.Op == token.NEQ) && (field.Sel.Name == "hash" || field.Sel.Name == "secret") {
					found = append(found, name+" compares "+field.Sel.Name)
				}
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && missing[name] == pkg.Name+"."+n.Sel.Name {
					delete(missing, name)
				}
			}
			return true
		})
	}
	return found
}
