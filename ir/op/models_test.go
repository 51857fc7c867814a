package op_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	onnxbackend "github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx" // registers the cases
	_ "go4.org/unsafe/assume-no-moving-gc"                     // onnx-go's tensors need it
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/pass"
)

// models lists the committed models, and the full-size ones when AUTOTAILOR_MODELS names their folder.
func models(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "generated", "models", "*.onnx"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	if dir := os.Getenv("AUTOTAILOR_MODELS"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		return append(files, more...)
	}
	t.Log("set AUTOTAILOR_MODELS to the folder of the full-size models to try them too")
	return files
}

// TestModelsAgreeWithTheirValueInfo: what inference says of a value is what the exporter wrote down for it, where it did.
func TestModelsAgreeWithTheirValueInfo(t *testing.T) {
	needs.Clone(t)
	for _, path := range models(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			g, _, err := onnx.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := pass.Canonicalise(g, pass.Options{}); err != nil {
				t.Fatal(err)
			}
			bind := map[ir.ValueID][]dim.Dim{}
			for _, id := range g.Inputs {
				for _, d := range g.Values[id].Shape {
					e := dim.Const(d.Size)
					if d.Size < 0 {
						e = dim.Batch()
					}
					bind[id] = append(bind[id], e)
				}
			}
			shapes, err := op.InferGraph(g, bind, nil)
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			for _, n := range g.Nodes {
				for _, id := range n.Out {
					if v := g.Values[id]; v.Shape != nil && g.Values[id].Const == nil {
						compared++
						if err := agrees(v.Shape, shapes[id]); err != nil {
							t.Errorf("%s (%s): %q: %v", n.Name, n.Op, v.Name, err)
						}
					}
				}
			}
			for _, id := range g.Outputs {
				if shapes[id] == nil || g.Values[id].Shape == nil {
					t.Errorf("output %q: declared %v, inferred %v", g.Values[id].Name, g.Values[id].Shape, shapes[id])
				}
			}
			t.Logf("%d values compared", compared)
		})
	}
}

// agrees compares a declared shape with an inferred one; open extents fit any.
func agrees(want ir.Shape, got []dim.Dim) error {
	ok := len(want) == len(got)
	for k := range got {
		n, fixed := got[k].IsConst()
		ok = ok && (want[k].Size < 0 || fixed && want[k].Size == n)
	}
	if !ok {
		return fmt.Errorf("inferred %v, declared %v", got, want)
	}
	return nil
}

// wrongCases are cases whose expectation is not about shapes, with the reason.
var wrongCases = map[string]string{
	"TestSliceEndOutOfBounds": "the case has its bounds as float32",
	"TestSliceNeg":            "the case has its bounds as float32",
}

// TestONNXConformance infers the shapes of the ONNX project's operator cases (as onnx-go carries them): they are those of the expected
// results. Operators that the table does not know are listed.
func TestONNXConformance(t *testing.T) {
	passed := map[string]int{}
	left := map[string]bool{}
	for _, c := range onnxbackend.GetAllRegisteredTests() {
		c := c()
		g, err := onnx.Decode(c.ModelB, "")
		if err != nil {
			left["unreadable: "+c.OpType] = true
			continue
		}
		if _, ok := op.Lookup("", c.OpType); !ok {
			left[c.OpType] = true
			continue
		}
		if reason, ok := wrongCases[c.Title]; ok {
			left[c.Title+": "+reason] = true
			continue
		}
		bind := map[ir.ValueID][]dim.Dim{}
		for k, id := range g.Inputs {
			if k >= len(c.Input) {
				break
			}
			setInput(g, bind, id, c.Input[k])
		}
		if c.OpType == "NonMaxSuppression" {
			left["NonMaxSuppression: as many rows as can be at most are inferred"] = true
			continue
		}
		shapes, err := op.InferGraph(g, bind, nil)
		if err != nil {
			t.Errorf("%s: %v", c.Title, err)
			continue
		}
		for k, id := range g.Outputs {
			if err := agrees(shapeOf(c.ExpectedOutput[k].Shape()), shapes[id]); err != nil && !isScalar(c.ExpectedOutput[k], shapes[id]) {
				t.Errorf("%s: output %d: %v", c.Title, k, err)
			}
		}
		passed[c.OpType]++
	}
	total := 0
	for _, n := range passed {
		total += n
	}
	t.Logf("%d cases of %d operators pass; left out: %v", total, len(passed), slices.Sorted(maps.Keys(left)))
	if total < 150 {
		t.Errorf("only %d cases ran", total)
	}
}

// setInput gives an input the shape of a case's tensor; integers become constants, since shapes may depend on them.
func setInput(g *ir.Graph, bind map[ir.ValueID][]dim.Dim, id ir.ValueID, x tensor.Tensor) {
	s := []dim.Dim{}
	for _, n := range x.Shape() {
		s = append(s, dim.Const(n))
	}
	bind[id] = s
	if list, ok := x.Data().([]int64); ok {
		g.Values[id].Const = ir.FromInt64s([]int(x.Shape()), list)
	}
}

func shapeOf(s []int) ir.Shape {
	out := ir.Shape{}
	for _, n := range s {
		out = append(out, ir.Dim{Size: n})
	}
	return out
}

// isScalar tells whether both are one element: onnx-go has no scalars.
func isScalar(x tensor.Tensor, s []dim.Dim) bool {
	return x.DataSize() <= 1 && len(s) == 0 && s != nil
}
