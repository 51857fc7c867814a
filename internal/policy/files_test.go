package policy

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writers are the functions of package os that make, replace or remove files.
var writers = []string{"WriteFile", "Create", "CreateTemp", "OpenFile", "Rename", "Remove", "RemoveAll", "Mkdir", "MkdirAll", "MkdirTemp", "Link", "Symlink", "Truncate"}

// scratch are the files that may call them, beside the package of the writer, with the reason.
var scratch = map[string]string{
	"gen/files.go":                      "copies for git diff, in a folder of their own for temporary files",
	"internal/onnx/attack/attack.go":    "models of tests",
	"internal/rows/array.go":            "a file for temporary data, whose name is removed at once",
	"runtime/engine/ort/engine.go":      "a model for a library that takes a path, in a folder for temporary files",
	"runtime/engine/ort/trace.go":       "a trace of that library, likewise",
	"runtime/measure/device/command.go": "models for a driver that takes a path, likewise",
	"runtime/train/data/command.go":     "scores for a program that takes a path, likewise",
	"runtime/train/data/cache.go":       "a cache that any run may begin anew",
}

// TestOneWriter: what commands leave behind is written by one package, which replaces whole files, keeps a second writer away and refuses links.
func TestOneWriter(t *testing.T) {
	used := map[string]bool{}
	sources(t, func(path string, set *token.FileSet, f *ast.File) {
		rel, err := filepath.Rel(filepath.Join("..", ".."), path)
		if err != nil {
			t.Fatal(err)
		}
		rel = filepath.ToSlash(rel)
		if strings.HasPrefix(rel, "internal/outfile/") || strings.HasPrefix(rel, "generated/") { // examples and benchmarks
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := s.X.(*ast.Ident); !ok || id.Name != "os" || !slices.Contains(writers, s.Sel.Name) {
				return true
			}
			if used[rel] = true; scratch[rel] == "" {
				t.Errorf("%s: os.%s: write through internal/outfile", set.Position(n.Pos()), s.Sel.Name)
			}
			return true
		})
	})
	for rel := range scratch {
		if !used[rel] {
			t.Errorf("%s needs no place in the list", rel)
		}
	}
}
