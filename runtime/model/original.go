package model

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// Original is the graph of a model file. It runs exactly as the file has it, one operator at a time, without the compiler, passes or plans. Each operator
// becomes a network of its own, with the shapes that package infer gives for the actual operands. So only the weights of one operator are prepared at a time.
type Original struct {
	file  *onnx.Model
	graph *onnxpb.GraphProto
	opset int
}

// NewOriginal returns the graph of a model file. A model that has functions of its own is refused.
func NewOriginal(m *onnxfile.Model) (*Original, error) {
	file := m.File()
	if f := file.Proto.GetFunctions(); len(f) > 0 {
		return nil, fmt.Errorf("the model has functions of its own, such as %s.%s, which are not run", f[0].GetDomain(), f[0].GetName())
	}
	return &Original{file: file, graph: file.Proto.GetGraph(), opset: m.Opset}, nil
}

// statesExtents tells whether a constant of the file states the extents of a map at the file's own resolution. For such operators the compiler finds out from what
// the extents follow.
func (m *Original) statesExtents(w nn.Weights) bool {
	operand := map[string]int{"MaxUnpool": 2, "Resize": 3}
	return slices.ContainsFunc(m.graph.GetNode(), func(p *onnxpb.NodeProto) bool {
		k := operand[p.GetOpType()]
		if in := p.GetInput(); k > 0 && k < len(in) && in[k] != "" {
			_, err := w.Tensor(in[k])
			return err == nil
		}
		return false
	})
}

// Runner runs a network whose batch is bound. The results are the caller's.
type Runner func(g *nn.Graph, w nn.Weights, in []nn.Tensor) ([]nn.Tensor, error)

// Run has the inputs of a run, and its differences from the file.
type Run struct {
	Runner  Runner
	Inputs  map[string]nn.Tensor
	Weights nn.Weights // has the tensors that the file names: its own, or changed ones
	// Bypass replaces values of the file by other values: its keys are the replaced names.
	Bypass map[string]string
	// Seen, unless it is nil, is called with every value that a node makes.
	Seen func(name string, t nn.Tensor)
}

// value is a computed tensor.
type value struct {
	nn.Tensor
	fixed bool // the same for any input of this shape
}

// machine is the state of a run.
type machine struct {
	Run
	model  *Original
	values map[string]value
	uses   map[string]int // that are still to come
}

// Do computes the model's outputs, in order. It computes half floats as float32, as engines do within a network. Results that are rounded to half after each
// operator would be too coarse to compare with.
func (m *Original) Do(r Run) ([]nn.Tensor, error) {
	x := &machine{Run: r, model: m, values: map[string]value{}, uses: map[string]int{}}
	for name, t := range r.Inputs {
		x.values[name] = value{Tensor: widened(t)}
	}
	x.count(m.graph)
	out, err := x.run(m.graph)
	for k, o := range m.graph.GetOutput() {
		if t := nn.DType(o.GetType().GetTensorType().GetElemType()); k < len(out) && half(t) && out[k].Type == nn.Float32 {
			out[k] = nn.FromNumbers(t, out[k].Shape, out[k].Numbers())
		}
	}
	return out, err
}

func half(t nn.DType) bool { return t.Fractional() && t.Bytes() == 2 }

// widened is a tensor of half floats as float32, any other as it is.
func widened(t nn.Tensor) nn.Tensor {
	if !half(t.Type) {
		return t
	}
	return nn.FromNumbers(nn.Float32, t.Shape, t.Numbers())
}

// run computes the nodes of a graph and returns its outputs.
func (x *machine) run(g *onnxpb.GraphProto) ([]nn.Tensor, error) {
	values, err := x.results(g)
	return tensorsOf(values), err
}

// results computes the nodes of a graph and returns its outputs as values.
func (x *machine) results(g *onnxpb.GraphProto) ([]value, error) {
	for _, p := range g.GetNode() {
		if err := x.node(p); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", p.GetName(), p.GetOpType(), err)
		}
	}
	var out []value
	for _, o := range g.GetOutput() {
		v, err := x.value(o.GetName())
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", o.GetName(), err)
		}
		out = append(out, v)
	}
	return out, nil
}

func tensorsOf(values []value) []nn.Tensor {
	var out []nn.Tensor
	for _, v := range values {
		out = append(out, v.Tensor)
	}
	return out
}

// count counts the readers of every value, also in subgraphs, so that a value is freed after its last reader.
func (x *machine) count(g *onnxpb.GraphProto) {
	for _, p := range g.GetNode() {
		for _, name := range p.GetInput() {
			x.uses[x.home(name)]++
		}
		for _, a := range p.GetAttribute() {
			for _, inner := range append(a.GetGraphs(), a.GetG()) {
				x.count(inner)
			}
		}
	}
	for _, o := range g.GetOutput() {
		x.uses[x.home(o.GetName())]++
	}
}

// home is the name of the value that a run reads where the file reads name, see Run.Bypass.
func (x *machine) home(name string) string {
	for range len(x.Bypass) {
		to, ok := x.Bypass[name]
		if !ok {
			break
		}
		name = to
	}
	return name
}

// value is the tensor that a run reads where the file reads name.
func (x *machine) value(name string) (value, error) {
	name = x.home(name)
	if v, ok := x.values[name]; ok {
		return v, nil
	}
	t, err := x.Weights.Tensor(name)
	return value{widened(t), true}, err
}

// node computes a node's results.
func (x *machine) node(p *onnxpb.NodeProto) error {
	results := p.GetOutput()
	if !slices.ContainsFunc(results, func(name string) bool { return x.uses[name] > 0 }) {
		return nil
	}
	if p.GetOpType() == "Constant" && x.constant(p) {
		return nil
	}
	in := make([]*value, len(p.GetInput()))
	fixed := true
	for k, name := range p.GetInput() {
		if name == "" {
			continue
		}
		v, err := x.value(name)
		if err != nil {
			return err
		}
		fixed = fixed && v.fixed
		in[k] = &v
	}
	out, fixedOut, err := x.apply(p, in)
	if err != nil {
		return err
	}
	for k, name := range results {
		if k < len(out) && x.uses[name] > 0 {
			x.values[name] = value{widened(out[k]), fixed || fixedOut}
			if x.Seen != nil {
				x.Seen(name, out[k])
			}
		}
	}
	for _, name := range p.GetInput() {
		name = x.home(name)
		if x.uses[name]--; x.uses[name] == 0 {
			delete(x.values, name)
		}
	}
	return nil
}

// constant tells whether a Constant node's tensor is one of the weights. Then it stays there until it is read.
func (x *machine) constant(p *onnxpb.NodeProto) bool {
	_, err := x.Weights.Tensor(p.GetOutput()[0])
	return err == nil
}
