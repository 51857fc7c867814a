package conform

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestMACs: the multiply-accumulates that a package states are those of an independent count, for the model's file and for exported SubNets. The count
// takes shapes from ONNX Runtime, which runs the file with the operands and results of all products as outputs, and has formulas of its own.
func TestMACs(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	e := runtimeEngine(t)
	paths := map[string]string{}
	for name, build := range allArchitectures() {
		paths[name] = zooModel(t, build)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, modelFiles(t)...) {
		paths[filepath.Base(f)] = f
	}
	delete(paths, "bntraining.onnx") // is refused
	delete(paths, "concat24.onnx")   // takes 64 MB for each result, and has no products
	for name, path := range paths {
		if strings.HasSuffix(name, "_any.onnx") {
			continue // has open sides
		}
		t.Run(name, func(t *testing.T) { sameMACs(t, e, path) })
	}
}

// sameMACs compares the counts of a model, of its export, and of a random SubNet.
func sameMACs(t *testing.T, e *ort.Engine, path string) {
	t.Helper()
	c, p, w := opened(t, path)
	stated, err := definition(t, p).MACs()
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, u := range c.Net.Uncounted() {
		left[u.Op] = u.Nodes
	}
	choices, rng := choicesOf(c), rand.New(rand.NewPCG(35, 35))
	for k := range 2 {
		genes := make(space.Genes, len(choices))
		if k > 0 {
			genes = space.Random(choices, rng)
		}
		g, in := described(t, p, genes)
		out := filepath.Join(t.TempDir(), "subnet.onnx")
		exportGraph(t, out, g, w)
		files := []string{out}
		if k == 0 {
			files = append(files, path)
		}
		for _, file := range files {
			m := measured(t, e, file, in)
			if got := stated.At(genes); got != m.total {
				t.Errorf("%s, %s: %d MACs are stated, the count has %d", filepath.Base(file), space.Format(choices, genes), got, m.total)
			}
			for name := range m.left {
				if left[name] == 0 {
					t.Errorf("%s: nobody says that %s is not counted", filepath.Base(file), name)
				}
			}
		}
	}
}

// counting counts the products of a model.
type counting struct {
	model  *onnxpb.ModelProto
	values map[string]nn.Tensor // what products read and make
	total  int64
	left   map[string]bool // operators that are not counted
}

// measured counts the products of a file that is run on the inputs given.
func measured(t *testing.T, e *ort.Engine, path string, in []nn.Tensor) *counting {
	t.Helper()
	return measuredModel(t, e, readModel(t, path), in)
}

// measuredModel counts the products of a model that an output needs.
func measuredModel(t *testing.T, e *ort.Engine, m *onnxpb.ModelProto, in []nn.Tensor) *counting {
	t.Helper()
	c := &counting{model: m, values: map[string]nn.Tensor{}, left: map[string]bool{}}
	nodes := needed(m.GetGraph())
	c.ask(t, e, nodes, in)
	for _, n := range nodes {
		name := operators.Qualified(n.GetDomain(), n.GetOpType())
		switch formula := products[name]; {
		case formula != nil:
			c.total += formula(product{n, c.values})
		case name == "Loop" || name == "If":
			c.body(t, e, n)
		case !free(n):
			c.left[name] = true
		}
	}
	return c
}

// free tells whether the ONNX standard defines an operator, and its products, if it has any, have a formula.
func free(n *onnxpb.NodeProto) bool {
	if n.GetDomain() == "ai.onnx.ml" && slices.Contains([]string{"Scaler", "ArrayFeatureExtractor"}, n.GetOpType()) {
		return true // element by element, and a choice of elements
	}
	row, ok := operators.Lookup(n.GetDomain(), n.GetOpType())
	return ok && !row.MACs && row.Class != operators.Control
}

// body counts a Loop's subgraph as often as it runs, or the branch that an If takes: each as a model of its own.
func (c *counting) body(t *testing.T, e *ort.Engine, n *onnxpb.NodeProto) {
	t.Helper()
	times, name := int64(1), "body"
	condition := c.values[n.GetInput()[0]]
	switch {
	case n.GetOpType() == "If" && condition.Raw[0] != 0:
		name = "then_branch"
	case n.GetOpType() == "If":
		name = "else_branch"
	default:
		times = condition.Int64s()[0] // the number of trips
	}
	var g *onnxpb.GraphProto
	for _, a := range n.GetAttribute() {
		if a.GetName() == name {
			g = proto.CloneOf(a.GetG())
		}
	}
	in := []nn.Tensor{}
	if name == "body" {
		in = append(in, nn.FromInt64s(nn.Shape{}, []int64{0}), nn.Tensor{Type: nn.Bool, Shape: nn.Shape{}, Raw: []byte{1}})
		for _, carried := range n.GetInput()[2:] {
			in = append(in, c.values[carried])
		}
	}
	for _, outer := range captured(g) {
		x := c.values[outer]
		in = append(in, x)
		g.Input = append(g.Input, declared(outer, x))
	}
	inner := measuredModel(t, e, &onnxpb.ModelProto{IrVersion: c.model.IrVersion, OpsetImport: c.model.OpsetImport, Graph: g}, in)
	c.total += times * inner.total
	maps.Copy(c.left, inner.left)
}

// declared declares an input for a value.
func declared(name string, x nn.Tensor) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for _, d := range x.Shape {
		shape.Dim = append(shape.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	kind := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(x.Type)), Shape: shape}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: kind}}}
}

// captured lists what a subgraph uses of the graph around it.
func captured(g *onnxpb.GraphProto) []string {
	own := map[string]bool{"": true}
	for _, i := range g.GetInput() {
		own[i.GetName()] = true
	}
	for _, i := range g.GetInitializer() {
		own[i.GetName()] = true
	}
	var out []string
	for _, n := range g.GetNode() {
		for _, name := range n.GetInput() {
			if !own[name] {
				own[name] = true
				out = append(out, name)
			}
		}
		for _, name := range n.GetOutput() {
			own[name] = true
		}
	}
	return out
}

// needed are the nodes that an output needs. Learned queries make a first layer that no input moves; it is run and counted like the others.
func needed(g *onnxpb.GraphProto) []*onnxpb.NodeProto {
	wanted := map[string]bool{}
	for _, o := range g.GetOutput() {
		wanted[o.GetName()] = true
	}
	var nodes []*onnxpb.NodeProto
	for _, n := range slices.Backward(g.GetNode()) {
		if slices.ContainsFunc(n.GetOutput(), func(name string) bool { return wanted[name] }) {
			nodes = append(nodes, n)
			for _, name := range reads(n) {
				wanted[name] = name != ""
			}
		}
	}
	return nodes
}

// reads lists a node's operands, with what its subgraphs use.
func reads(n *onnxpb.NodeProto) []string {
	names := slices.Clone(n.GetInput())
	for _, a := range n.GetAttribute() {
		if a.GetG() != nil {
			names = append(names, captured(a.GetG())...)
		}
	}
	return names
}

// ask runs the model with the operands and results of its products as further outputs, and keeps them.
func (c *counting) ask(t *testing.T, e *ort.Engine, nodes []*onnxpb.NodeProto, in []nn.Tensor) {
	t.Helper()
	m := proto.CloneOf(c.model)
	g := m.GetGraph()
	known := map[string]bool{"": true}
	for _, i := range g.GetInitializer() {
		c.store(t, i.GetName(), i)
		known[i.GetName()] = true
	}
	inputs := 0
	for _, i := range g.GetInput() {
		if !known[i.GetName()] {
			c.values[i.GetName()], known[i.GetName()] = in[inputs], true
			inputs++
		}
	}
	for _, o := range g.GetOutput() {
		known[o.GetName()] = true
	}
	for _, n := range nodes {
		for _, a := range n.GetAttribute() {
			if n.GetOpType() == "Constant" && a.GetName() == "value" {
				c.store(t, n.GetOutput()[0], a.GetT())
				known[n.GetOutput()[0]] = true
			}
		}
	}
	for _, n := range nodes {
		controls := n.GetOpType() == "Loop" || n.GetOpType() == "If"
		if products[operators.Qualified(n.GetDomain(), n.GetOpType())] == nil && !controls {
			continue
		}
		for _, name := range slices.Concat(reads(n), n.GetOutput()) {
			if known[name] {
				continue
			}
			known[name] = true
			switch {
			case !controls: // values of half precision have no other form in Go
				name = derived(g, "Shape", name, shapeOf)
			case n.GetOpType() == "If" && name == n.GetInput()[0]:
				g.Initializer = append(g.Initializer, onnx.FromInt64s([]int{1}, []int64{1}).Proto(name+" length"))
				name = derived(g, "Reshape", name, asList, name+" length")
			}
			g.Output = append(g.Output, &onnxpb.ValueInfoProto{Name: proto.String(name)})
		}
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "asked.onnx")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := e.OpenModel(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	for k, o := range out {
		o.Raw = slices.Clone(o.Raw)
		name, isShape := strings.CutSuffix(s.Outputs[k].Name, shapeOf)
		if isShape {
			shape := nn.Shape{}
			for _, n := range o.Int64s() {
				shape = append(shape, int(n))
			}
			o = nn.Tensor{Shape: shape}
		}
		c.values[strings.TrimSuffix(name, asList)] = o
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// store keeps a tensor of the model's file.
func (c *counting) store(t *testing.T, name string, p *onnxpb.TensorProto) {
	t.Helper()
	x, err := new(onnx.Model).Tensor(p)
	if err != nil {
		t.Fatal(err)
	}
	c.values[name] = nn.Tensor{Type: x.Type, Shape: x.Shape, Raw: x.Raw}
}

// What ends the names of results that are made for the count.
const (
	shapeOf = " has the shape"
	asList  = " as a list" // of one element: package ort has no scalars
)

// derived adds a node behind a value.
func derived(g *onnxpb.GraphProto, operator, name, suffix string, more ...string) string {
	g.Node = append(g.Node, &onnxpb.NodeProto{OpType: proto.String(operator), Input: append([]string{name}, more...), Output: []string{name + suffix}})
	return name + suffix
}
