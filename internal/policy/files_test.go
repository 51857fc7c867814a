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
	"internal/publish/archive.go":       "a release, in a folder that is made anew",
	"internal/publish/bill.go":          "a release, likewise",
	"internal/publish/main.go":          "a release, likewise",
	"internal/publish/proxy.go":         "a release, likewise",
	"internal/rows/array.go":            "a file for temporary data, whose name is removed at once",
	"runtime/engine/ort/engine.go":      "a model for a library that takes a path, in a folder for temporary files",
	"runtime/engine/ort/trace.go":       "a trace of that library, likewise",
	"runtime/measure/device/command.go": "models for a driver that takes a path, likewise",
	"runtime/train/data/command.go":     "scores for a program that takes a path, likewise",
	"runtime/train/data/cache.go":       "a cache that any run may begin anew",
}

// readers may open files themselves, beside the package that opens regular files only, with the reason.
var readers = map[string]string{
	"gen/files.go":                    "looks for go.mod files above",
	"gen/vet/embedded.go":             "go vet names the files",
	"internal/cpu/cpu.go":             "a file of the system",
	"internal/cpu/settings.go":        "files of the system",
	"internal/publish/archive.go":     "our own sources",
	"internal/publish/main.go":        "what was just written",
	"internal/publish/proxy.go":       "our own sources",
	"internal/size/main.go":           "our own sources",
	"runtime/engine/ort/trace.go":     "what a library wrote in a folder for temporary files",
	"runtime/measure/device/gauge.go": "a meter may be a device",
}

// TestOneOpener: what commands read is opened by one package, which waits for no pipe and reads no device.
func TestOneOpener(t *testing.T) {
	calls(t, "os", []string{"Open", "ReadFile"}, readers, "internal/infile", "internal/outfile")
}

// TestOneWriter: what commands leave behind is written by one package, which replaces whole files, keeps a second writer away and refuses links.
func TestOneWriter(t *testing.T) { calls(t, "os", writers, scratch, "internal/outfile") }

// calls reports where functions of a package are called outside of the folders that may, and of the files that are listed with a reason. Examples
// and benchmarks may.
func calls(t *testing.T, pkg string, functions []string, listed map[string]string, folders ...string) {
	t.Helper()
	used := map[string]bool{}
	sources(t, func(path string, set *token.FileSet, f *ast.File) {
		rel, err := filepath.Rel(filepath.Join("..", ".."), path)
		if err != nil {
			t.Fatal(err)
		}
		rel = filepath.ToSlash(rel)
		for _, folder := range append(folders, "generated") {
			if strings.HasPrefix(rel, folder+"/") {
				return
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := s.X.(*ast.Ident); !ok || id.Name != pkg || !slices.Contains(functions, s.Sel.Name) {
				return true
			}
			if used[rel] = true; listed[rel] == "" {
				t.Errorf("%s: %s.%s: use %s", set.Position(n.Pos()), pkg, s.Sel.Name, folders[0])
			}
			return true
		})
	})
	for rel := range listed {
		if !used[rel] {
			t.Errorf("%s needs no place in the list", rel)
		}
	}
}
