package conform

import (
	"cmp"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestInferenceHasTheCompilersOperators: an operator with a shape rule in package ir/op has one in package runtime/infer, and the other way
// round.
func TestInferenceHasTheCompilersOperators(t *testing.T) {
	for _, o := range operators.All() {
		_, here := op.Lookup(o.Domain, o.Name)
		if there := infer.Has(o.Domain, o.Name); here != there && onlyInRuntime[o.Name] == "" {
			t.Errorf("%s %s has a rule in ir/op: %v, in runtime/infer: %v", o.Domain, o.Name, here, there)
		}
	}
	for name := range onlyInRuntime {
		if _, ok := op.Lookup("", name); ok {
			t.Errorf("%s has a rule in ir/op now: take it from the list", name)
		}
	}
}

// onlyInRuntime lists the operators that need no rule in ir/op.
var onlyInRuntime = map[string]string{
	"Constant": "the reader of models makes values of them",
}

// knownApart lists, by operator, why one implementation knows a shape that the other does not.
var knownApart = map[string]string{
	"NonMaxSuppression": "ir/op has the most rows that it can choose, because a SubNet's memory is planned for them; how many it chooses is unknown",
	"NonZero":           "ir/op has room for all elements; how many are not zero is unknown",
	"PRelu":             "slopes of the channels, before opset 7: readers of models make them broadcast",
	"Range":             "ir/op follows integers only",
}

// TestBothInferencesAgree infers every node of the ONNX project's backend test data by both implementations, which share no code, and compares
// them with each other and with the tensors that the cases expect.
func TestBothInferencesAgree(t *testing.T) {
	needs.Time(t)
	root := cmp.Or(os.Getenv("AUTOTAILOR_ONNX_TESTDATA"), backendData)
	cases, err := filepath.Glob(filepath.Join(root, "*", "test_*", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		if os.Getenv("AUTOTAILOR_ONNX_TESTDATA_REQUIRED") != "" {
			t.Fatalf("no cases in %s: install Debian's libonnx-testdata", root)
		}
		t.Skipf("no cases in %s: install Debian's libonnx-testdata, or set AUTOTAILOR_ONNX_TESTDATA", root)
	}
	c := &comparison{t: t, apart: map[string]int{}}
	for _, path := range cases {
		dir := filepath.Dir(path)
		c.name = filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, live := range []int{0, 1, math.MaxInt} {
			if run, err := newBackendRun(dir, data, live); err == nil {
				c.compare(run)
			}
		}
	}
	t.Logf("%d cases: of %d results of nodes, both know %d, neither %d, one %v; %d outputs are as the cases' tensors", len(cases), c.results, c.agree, c.neither, c.apart, c.outputs)
	if c.agree < leastCompared || c.outputs < leastOutputs {
		t.Errorf("%d results and %d outputs were compared, want at least %d and %d", c.agree, c.outputs, leastCompared, leastOutputs)
	}
	for name := range knownApart {
		if c.apart[name] == 0 {
			t.Errorf("%s is listed and does not differ", name)
		}
	}
}

// What the comparison covers of Debian's libonnx-testdata 1.14, rounded down.
const (
	leastCompared = 5000
	leastOutputs  = 2500
)

// comparison infers the nodes of cases by both.
type comparison struct {
	t                                *testing.T
	name                             string
	results, agree, neither, outputs int
	apart                            map[string]int      // results that one of them knows, by operator
	guessed                          map[ir.ValueID]bool // what the compiler takes from the model, and what follows from it
}

func (c *comparison) compare(run *backendRun) {
	g, err := onnx.Decode(run.model, "")
	if err != nil {
		return
	}
	bind := map[ir.ValueID][]dim.Dim{}
	known := make([]infer.Value, len(g.Values))
	for k := range known {
		known[k].Unknown = true
		if v := g.Values[k]; v != nil {
			v.Shape = nil // what the model declares is not looked at
			if v.Const != nil {
				known[k] = infer.Of(nn.Tensor{Type: v.Const.Type, Shape: v.Const.Shape, Raw: v.Const.Raw})
			}
		}
	}
	for k, id := range g.Inputs[:min(len(g.Inputs), len(run.in))] {
		bind[id] = fixedDims(run.in[k].Shape)
		known[id] = infer.Value{Type: run.in[k].Type, Shape: run.in[k].Shape}
	}
	c.constants(g, known)
	vals, _ := op.Infer(g, op.Rules{Bind: bind}) // what it cannot do stays unknown
	c.guessed = map[ir.ValueID]bool{}
	for _, n := range g.Nodes {
		c.node(n, known, vals)
	}
	for k, want := range run.out {
		got := known[g.Outputs[k]]
		if got.Unknown {
			continue
		}
		c.outputs++
		if got.Type == nn.BFloat16 { // the cases have it as uint16, because numpy has no bfloat16
			got.Type = want.Type
		}
		if !slices.Equal(got.Shape, want.Shape) || got.Type != 0 && got.Type != want.Type {
			c.t.Errorf("%s: output %d is inferred as %v, it is %v", c.name, k, got, infer.Value{Type: want.Type, Shape: want.Shape})
		}
	}
}

func fixedDims(s nn.Shape) []dim.Dim {
	out := make([]dim.Dim, len(s))
	for a, n := range s {
		out[a] = dim.Const(n)
	}
	return out
}

// constants makes values of the Constant nodes: the compiler's inference runs after the pass that does.
func (c *comparison) constants(g *ir.Graph, known []infer.Value) {
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *ir.Node) bool {
		if n.Op != "Constant" || n.Domain != "" {
			return false
		}
		out, err := c.infer(n, known)
		if err != nil {
			return false
		}
		t := new(ir.Tensor)
		given, ok := n.Attrs[0].Tensor()
		x := nn.Tensor{Type: given.Type, Shape: given.Shape, Raw: given.Raw}
		switch {
		case ok:
		case out[0].Ints != nil:
			x = nn.FromInt64s(out[0].Shape, out[0].Ints)
		default:
			x = nn.FromFloat32s(out[0].Shape, out[0].Floats)
		}
		t.Type, t.Shape, t.Raw = x.Type, x.Shape, x.Raw
		g.Values[n.Out[0]].Const = t
		known[n.Out[0]] = out[0]
		return true
	})
}

// infer is a node's results by package runtime/infer, from what that knows.
func (c *comparison) infer(n *ir.Node, known []infer.Value) ([]infer.Value, error) {
	m := nn.Node{Type: n.Op, Domain: n.Domain, Name: n.Name, Attrs: n.Attrs}
	var in []infer.Value
	for _, id := range n.In {
		m.In, in = append(m.In, nn.Value(id)), append(in, known[id])
	}
	for _, id := range n.Out {
		m.Out = append(m.Out, nn.Value(id))
	}
	return infer.Node(&m, in)
}

// node infers one node and compares.
func (c *comparison) node(n *ir.Node, known []infer.Value, vals []op.Operand) {
	out, err := c.infer(n, known)
	if not := new(infer.Unknown); err != nil && !errors.As(err, &not) {
		c.t.Errorf("%s: node %q (%s) is refused: %v", c.name, n.Name, n.Op, err)
	}
	_, ruled := op.Lookup(n.Domain, n.Op)
	guessed := !ruled || slices.ContainsFunc(n.In, func(id ir.ValueID) bool { return c.guessed[id] })
	for k, id := range n.Out {
		if id == 0 {
			continue
		}
		c.results++
		known[id] = out[k]
		switch here, there := out[k], vals[id].Shape; {
		case guessed:
			c.guessed[id] = true
			c.neither++
		case here.Unknown && there == nil:
			c.neither++
		case here.Unknown || there == nil:
			c.apart[n.Op]++
			c.guessed[id] = true
			if knownApart[n.Op] == "" {
				c.t.Errorf("%s: node %q (%s): ir/op has the shape %v, runtime/infer %v, %v", c.name, n.Name, n.Op, there, here, err)
			}
		case sameShape(there, here.Shape):
			c.agree++
		default:
			c.t.Errorf("%s: node %q (%s): ir/op has the shape %v, runtime/infer %v", c.name, n.Name, n.Op, there, here)
		}
	}
}
