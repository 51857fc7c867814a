package policy

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leaf is the one package that decodes ONNX tensors and opens model files. What is below it makes bad models for tests.
const leaf = "internal/onnx/"

// tensorFields are the fields of a TensorProto that say what its elements are.
var tensorFields = []string{
	"RawData", "FloatData", "DoubleData", "Int32Data", "Int64Data", "Uint64Data", "StringData", "ExternalData", "DataLocation",
}

// modelReaders are packages whose importers have to do with models. Such a file opens nothing by itself.
var modelReaders = []string{"internal/onnx", "internal/onnxpb", "ir/onnx", "runtime/onnxfile"}

// opened lists files that have to do with models and open something else.
var opened = map[string]string{
	"gen/compile.go":                      "the config and files of fusion rules",
	"generated/bench/accuracy/counter.go": "the list of SubNets to count",
	"generated/demo/search.go":            "tables of latencies and sensitivities",
	"internal/rows/rows.go":               "files of data",
	"runtime/command/cli/shared.go":       "tables of latencies and sensitivities",
	"runtime/deploy/bundle/open.go":       "the manifest",
	"runtime/engine/ort/trace.go":         "the profile that ONNX Runtime wrote",
}

// TestOneDecoderOfTensors: only the leaf looks at how a TensorProto stores its elements, or decodes a model.
func TestOneDecoderOfTensors(t *testing.T) {
	fields := map[string]bool{}
	for _, f := range tensorFields {
		fields[f], fields["Get"+f] = true, true
	}
	outside(t, func(path string, set *token.FileSet, f *ast.File) {
		if strings.HasPrefix(path, "internal/onnxpb/") || !imported(f, "internal/onnxpb") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			name := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				name = n.Sel.Name
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "onnxpb" && name == "Unmarshal" {
					t.Errorf("%s: models are decoded by internal/onnx", set.Position(n.Pos()))
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok {
					name = k.Name
				}
			}
			if fields[name] {
				t.Errorf("%s: %s: tensors are decoded and encoded by internal/onnx", set.Position(n.Pos()), name)
			}
			return true
		})
	})
}

// TestOneOpenerOfModels: only the leaf opens model files and what lies beside them.
func TestOneOpenerOfModels(t *testing.T) {
	found := map[string]bool{}
	outside(t, func(path string, set *token.FileSet, f *ast.File) {
		if !slices.ContainsFunc(modelReaders, func(p string) bool { return imported(f, p) }) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if !ok || x.Name != "os" && x.Name != "infile" || !slices.Contains([]string{"Open", "OpenBy", "OpenFile", "Read", "ReadFile", "OpenRoot", "OpenInRoot", "DirFS"}, s.Sel.Name) {
				return true
			}
			found[path] = true
			if opened[path] == "" {
				t.Errorf("%s: %s.%s: models and their data are opened by internal/onnx (Open, ReadFile); list here what else it opens", set.Position(n.Pos()), x.Name, s.Sel.Name)
			}
			return true
		})
	})
	for path := range opened {
		if !found[path] {
			t.Errorf("%s is listed and opens nothing", path)
		}
	}
}

// outside visits the hand-written files outside the leaf, by their path from the root.
func outside(t *testing.T, visit func(path string, set *token.FileSet, f *ast.File)) {
	sources(t, func(path string, set *token.FileSet, f *ast.File) {
		rel, err := filepath.Rel(filepath.Join("..", ".."), path)
		if err != nil {
			t.Fatal(err)
		}
		if rel = filepath.ToSlash(rel); !strings.HasPrefix(rel, leaf) {
			visit(rel, set, f)
		}
	})
}

// imported tells whether a file imports a package of this module.
func imported(f *ast.File, pkg string) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		path, err := strconv.Unquote(i.Path.Value)
		return err == nil && path == module+"/"+pkg
	})
}
