package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
)

// maxFootprint bounds the source files that name an operator whose class has rules: its row, what computes it, and its gradient or PyTorch form.
const maxFootprint = 3

// ruled are the classes that have a rule for shapes, axes and what zeros become, so that a row and a kernel say the rest.
var ruled = []operators.Class{operators.Unary, operators.Broadcast, operators.Rows, operators.Reduction, operators.Window, operators.Normalisation, operators.Sampling}

// beside are files that an operator needs for none of what gen/doc/operators.md promises: without them it is computed, exported and searched as well.
var beside = []struct{ path, why string }{
	{"ir/pass/", "rewrites what exporters write of several operators"},
	{"templates/", "knows blocks by their operators"},
	{"internal/fusion/", "joins steps for speed"},
	{"runtime/measure/profile/fusion.go", "joins steps as other runtimes do"},
	{"runtime/engine/embedded/q", "takes pairs of integers and scales for products of integers"},

	{"ir/onnx/", "reads what operators meant in old opsets"},
	{"runtime/model/legacy.go", "reads what operators meant in old opsets"},
	{"runtime/engine/embedded/body.go", "reads what operators meant in old opsets"},
	{"runtime/onnxfile/versions.go", "writes what operators are called in an opset"},

	{"ir/supernet/lattice.go", "follows sizes through arithmetic"},
	{"ir/supernet/positions.go", "follows sizes through arithmetic"},
	{"runtime/infer/elements.go", "follows sizes through arithmetic"},
	{"runtime/nn/feedspan.go", "follows sizes through arithmetic"},
	{"ir/supernet/baked", "doubts constants that may hold a size"},

	{"runtime/engine/gorgonia/", "is a second opinion, which names what it lacks"},
	{"runtime/engine/ort/", "names the kernels of ONNX Runtime"},
	{"runtime/deploy/ncnn/run", "computes the layers of NCNN, to compare exports"},
	{"runtime/deploy/ncnn/fuse.go", "joins layers of NCNN"},
	{"runtime/deploy/ncnn/attention.go", "joins layers of NCNN"},
	{"runtime/measure/agent/", "times two functions to tell processors apart"},

	{"runtime/engine/embedded/activations.go", "has the functions that ONNX allows in recurrent layers"},
	{"runtime/engine/embedded/recurrent.go", "has the functions that ONNX allows in recurrent layers"},
	{"runtime/model/joined.go", "has the functions that ONNX Runtime allows in its joined operators"},

	{"runtime/nn/acts.go", "has methods of the Builder, which generated code reads better with"},
	{"runtime/nn/layers.go", "has methods of the Builder, which generated code reads better with"},
	{"runtime/nn/moves.go", "has methods of the Builder, which generated code reads better with"},
	{"gen/view/", "writes methods of the Builder"},
}

// wide are the operators that more files name, and why.
var wide = map[string]string{
	"Add": arithmetic, "Sub": arithmetic, "Mul": arithmetic, "Div": arithmetic, "Mod": arithmetic, "Where": arithmetic, "Identity": arithmetic,
	"Cast": arithmetic,

	"BatchNormalization": joined, "InstanceNormalization": joined, "LayerNormalization": joined, "Relu": joined, "Clip": joined, "MaxPool": joined,
	"AveragePool": joined, "Softmax": joined, "GlobalAveragePool": joined, "ReduceMax": joined, "Dropout": joined,

	"QuantizeLinear": quantised, "DequantizeLinear": quantised, "DynamicQuantizeLinear": quantised,

	"Pow":       "NCNN has functions of its own for common powers",
	"PRelu":     "its slopes are one for each channel in old models, and NCNN has weights for it",
	"LRN":       "its rows are windows of channels",
	"CumSum":    "its axis is an operand",
	"MaxUnpool": "its places are those of another operator",
	"Gelu":      "two functions, told apart by a text",
	"HardSwish": "its kernel has constants that are no attributes",
	"Mean":      "a method of the Builder has its name",
}

const (
	arithmetic = "sizes are computed with it, or it has a form for integers"
	quantised  = "scales and zero points follow axes of their own"
	joined     = "engines join it with its neighbours, or leave it out"
)

// TestFootprint: an operator whose class has rules is named by few files, so that one more needs few. Who adds a fourth should rather say the fact in
// the operator table.
func TestFootprint(t *testing.T) {
	names := map[string]map[string]bool{} // operator -> files
	for _, o := range operators.All() {
		if slices.Contains(ruled, o.Class) && o.Domain == "" {
			names[o.Name] = map[string]bool{}
		}
	}
	for file, texts := range literals(t, "../..") {
		if aside(file) {
			continue
		}
		for _, text := range texts {
			if files, ok := names[text]; ok {
				files[file] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		files := slices.Sorted(maps.Keys(names[name]))
		switch reason, known := wide[name]; {
		case len(files) == 0:
			t.Errorf("%s: no file names it, though it has a row", name)
		case len(files) > maxFootprint && !known:
			t.Errorf("%d files name %s, more than %d: %s", len(files), name, maxFootprint, strings.Join(files, " "))
		case len(files) <= maxFootprint && known:
			t.Errorf("%s is named by %d files only: take it out of the list that says %q", name, len(files), reason)
		}
	}
	t.Logf("%d operators of classes with rules, %d of them in more than %d files", len(names), len(wide), maxFootprint)
}

// aside tells whether a file is none that an operator needs.
func aside(file string) bool {
	if folder, _ := filepath.Split(file); folder == "gen/" { // Go's own names look the same there: Sum, Max, Log
		return true
	}
	for _, b := range beside {
		if strings.HasPrefix(file, b.path) {
			return true
		}
	}
	return false
}

// literals has the texts in the sources of the module, but for tests and generated files.
func literals(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name == "testgraph" || name == "generated" || name == "build" || strings.HasPrefix(name, ".") && len(name) > 2):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_gen.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					out[filepath.ToSlash(rel)] = append(out[filepath.ToSlash(rel)], text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
