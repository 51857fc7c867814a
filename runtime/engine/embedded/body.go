package embedded

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// body is a graph inside of a node as a network of its own. After its own inputs it has those values of the graph around it that it uses.
type body struct {
	*nn.Graph
	around []int // operands of the node that are the inputs after its own
}

// inside reads the graph in an attribute of a node. operands describe those of the node, inputs the graph's own inputs.
func inside(n *nn.Node, attr string, operands, inputs []nn.Info, opset int) (*body, error) {
	a, ok := n.Attr(attr)
	if !ok || a.Kind != nn.AttrGraph {
		return nil, fmt.Errorf("it has no %s", attr)
	}
	p, err := a.Proto()
	if err != nil {
		return nil, err
	}
	r := &bodyReader{body: &body{Graph: &nn.Graph{Values: make([]nn.Info, 1), Opset: opset}}, ids: map[string]nn.Value{"": nn.None}}
	g := p.GetG()
	if len(g.GetInput()) != len(inputs) {
		return nil, fmt.Errorf("its subgraph %s has %d inputs, the operator gives %d", attr, len(g.GetInput()), len(inputs))
	}
	for k, v := range g.GetInput() {
		r.Inputs = append(r.Inputs, r.define(v.GetName(), nn.Info{Type: inputs[k].Type, Shape: inputs[k].Shape}))
	}
	names, _ := n.Attr(nn.Captures)
	first := len(operands) - len(names.Strings)
	for k, name := range names.Strings {
		i := operands[first+k]
		v := r.define(name, nn.Info{Type: i.Type, Shape: i.Shape, Param: i.Param, Const: i.Const})
		if !i.Known() {
			r.Inputs, r.around = append(r.Inputs, v), append(r.around, first+k)
		}
	}
	if err := r.graph(g); err != nil {
		return nil, fmt.Errorf("%s: %w", attr, err)
	}
	return r.body, nil
}

// bodyReader makes a network of a graph.
type bodyReader struct {
	*body
	ids map[string]nn.Value
}

func (r *bodyReader) define(name string, i nn.Info) nn.Value {
	v := nn.Value(len(r.Values))
	i.Name = name
	r.Values, r.ids[name] = append(r.Values, i), v
	return v
}

func (r *bodyReader) constant(name string, t onnx.Tensor) {
	r.define(name, nn.Info{Type: t.Type, Shape: t.Shape, Const: &nn.Tensor{Type: t.Type, Shape: t.Shape, Raw: t.Raw}})
}

func (r *bodyReader) graph(g *onnxpb.GraphProto) error {
	for _, t := range g.GetInitializer() {
		c, err := (&onnx.Model{}).Tensor(t)
		if err != nil {
			return fmt.Errorf("initializer %q: %w", t.GetName(), err)
		}
		r.constant(t.GetName(), c)
	}
	for _, p := range g.GetNode() {
		if err := r.node(p); err != nil {
			return fmt.Errorf("node %q (%s): %w", p.GetName(), p.GetOpType(), err)
		}
	}
	for _, o := range g.GetOutput() {
		v, ok := r.ids[o.GetName()]
		if !ok {
			return fmt.Errorf("nothing makes its output %q", o.GetName())
		}
		r.Outputs = append(r.Outputs, v)
	}
	return r.shapes()
}

func (r *bodyReader) node(p *onnxpb.NodeProto) error {
	n := nn.Node{Type: p.GetOpType(), Domain: p.GetDomain(), Name: p.GetName()}
	if n.Domain == "ai.onnx" {
		n.Domain = ""
	}
	for _, a := range p.GetAttribute() {
		attr, err := (&onnx.Model{}).Attr(a)
		if err != nil {
			return err
		}
		n.Attrs = append(n.Attrs, attr)
	}
	if t, ok := onnx.Constant(n.Attrs); ok && n.Type == "Constant" && n.Domain == "" && len(p.GetOutput()) == 1 {
		r.constant(p.GetOutput()[0], t)
		return nil
	}
	captures := onnx.Captures(p)
	for _, name := range append(slices.Clone(p.GetInput()), captures...) {
		v, ok := r.ids[name]
		if !ok {
			return fmt.Errorf("nothing makes its operand %q", name)
		}
		n.In = append(n.In, v)
	}
	if len(captures) > 0 {
		n.Attrs = append(n.Attrs, nn.Attr{Name: nn.Captures, Kind: nn.AttrStrings, Strings: captures})
	}
	for _, name := range p.GetOutput() {
		if name == "" {
			n.Out = append(n.Out, nn.None)
			continue
		}
		n.Out = append(n.Out, r.define(name, nn.Info{}))
	}
	slices.SortFunc(n.Attrs, func(a, b nn.Attr) int { return strings.Compare(a.Name, b.Name) })
	r.Nodes = append(r.Nodes, n)
	return nil
}

// shapes gives every value its element type and shape. An axis that grows with the batch is found by two batches.
func (r *bodyReader) shapes() error {
	const one, other = 2, 3
	open := slices.ContainsFunc(r.Values, func(i nn.Info) bool { return i.Shape.Open() })
	a, err := r.at(one)
	if err != nil {
		return err
	}
	b := a
	if open {
		if b, err = r.at(other); err != nil {
			return err
		}
	}
	var nodes []nn.Node
	for _, n := range r.Nodes {
		if err := r.modern(&n, a); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
		}
		known := true
		for _, v := range n.Out {
			i := &r.Values[v]
			for k, d := range a[v].Shape {
				switch e := b[v].Shape[k]; {
				case d == e:
				case d*other == e*one:
					d = d / one * nn.Batch
				default:
					return fmt.Errorf("node %q (%s): an axis of its result is %d or %d, by the batch", n.Name, n.Type, d, e)
				}
				i.Shape = append(i.Shape, d)
			}
			i.Type = a[v].Type
			if i.Const = constantOf(a[v], b[v]); v != nn.None && i.Const == nil {
				known = false
			}
		}
		if !known {
			nodes = append(nodes, n)
		}
	}
	r.Values[nn.None] = nn.Info{}
	r.Nodes = nodes
	return nil
}

// constantOf is a list of integers that is known and the same at both batches, nil for anything else.
func constantOf(a, b infer.Value) *nn.Tensor {
	if a.Ints == nil || !slices.Equal(a.Ints, b.Ints) {
		return nil
	}
	raw, ok := onnx.Integers(a.Type, a.Ints)
	if !ok {
		return nil
	}
	return &nn.Tensor{Type: a.Type, Shape: a.Shape, Raw: raw}
}

// at says what is known of every value at a batch.
func (r *bodyReader) at(batch int) ([]infer.Value, error) {
	facts := make([]infer.Value, len(r.Values))
	for v, i := range r.Values {
		if facts[v] = (infer.Value{Type: i.Type, Shape: i.Shape.Bind(batch)}); i.Const != nil {
			facts[v] = infer.Of(*i.Const)
		}
	}
	for k := range r.Nodes {
		n := &r.Nodes[k]
		in := make([]infer.Value, len(n.In))
		for i, v := range n.In {
			in[i] = facts[v]
		}
		out, err := results(n, in, r.Opset)
		if err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
		}
		for i, v := range n.Out {
			if v != nn.None {
				facts[v] = out[i]
			}
		}
	}
	return facts, nil
}

// results says what a node makes.
func results(n *nn.Node, in []infer.Value, opset int) ([]infer.Value, error) {
	if _, ok := control(n); ok {
		operands := make([]nn.Info, len(in))
		for k, f := range in {
			operands[k] = nn.Info{Type: f.Type, Shape: f.Shape, Const: constantOf(f, f)}
		}
		infos, err := controlResults(n, operands, opset)
		out := make([]infer.Value, len(infos))
		for k, i := range infos {
			out[k] = infer.Value{Type: i.Type, Shape: i.Shape}
		}
		return out, err
	}
	out, err := infer.Node(n, in)
	for k, f := range out {
		if err == nil && f.Unknown && n.Out[k] != nn.None {
			err = errors.New("the shape of its result is not known")
		}
	}
	return out, err
}

// modern says an operator of an older opset as it is said today, or refuses it.
func (r *bodyReader) modern(n *nn.Node, facts []infer.Value) error {
	old := r.Opset > 0 && r.Opset < 13 && (n.Type == "Softmax" || n.Type == "LogSoftmax" || n.Type == "Hardmax")
	switch {
	case n.Domain != "":
	case n.Type == "Upsample" || n.Type == "Resize" && r.Opset > 0 && r.Opset < 11:
		return fmt.Errorf("the embedded engine has no form of it of opset %d inside of another operator", r.Opset)
	case n.Type == "Scatter":
		n.Type = "ScatterElements"
	case old:
		rank := len(facts[n.In[0]].Shape)
		if axis := n.Int("axis", 1); axis != int64(rank-1) && axis != -1 {
			return fmt.Errorf("it flattens axes from %d on, as before opset 13", axis)
		}
		n.Attrs = []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: -1}}
	}
	return nil
}

// lacksInside lists the operators that graphs inside of a node have and the engine does not.
func lacksInside(n *nn.Node) []string {
	var list []string
	var walk func(g *onnxpb.GraphProto)
	walk = func(g *onnxpb.GraphProto) {
		for _, b := range g.GetNode() {
			if name := operators.Qualified(b.GetDomain(), b.GetOpType()); !known[name] && name != "Constant" && name != "Scatter" {
				list = append(list, name)
			}
			for _, a := range b.GetAttribute() {
				walk(a.GetG())
			}
		}
	}
	for _, a := range n.Attrs {
		if p, err := a.Proto(); a.Kind == nn.AttrGraph && err == nil {
			walk(p.GetG())
		}
	}
	return list
}
