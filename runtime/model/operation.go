package model

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

// operation is one operator with its operands.
type operation struct {
	node nn.Node
	in   []*value // nil for those that are left out

	shape nn.Shape // of the first result, where it is not the one that the operator makes
}

// apply computes the results of a node. The second result tells whether they depend on shapes alone.
func (x *machine) apply(p *onnxpb.NodeProto, in []*value) ([]nn.Tensor, bool, error) {
	o := &operation{node: nn.Node{Type: p.GetOpType(), Domain: p.GetDomain(), Name: p.GetName()}, in: in}
	if o.node.Domain == "ai.onnx" {
		o.node.Domain = ""
	}
	for _, a := range p.GetAttribute() {
		attr, err := x.model.file.Attr(a)
		if err != nil {
			return nil, false, err
		}
		o.node.Attrs = append(o.node.Attrs, attr)
	}
	if o.node.Domain == "" {
		switch o.node.Type {
		case "Identity", "Dropout":
			if len(in) > 2 && in[2] != nil && slices.ContainsFunc(in[2].Raw, func(b byte) bool { return b != 0 }) {
				return nil, false, errors.New("it drops at random, as in training")
			}
			return []nn.Tensor{o.in[0].Tensor}, false, nil
		case "If", "Loop", "Scan":
			out, err := x.control(o, p)
			return out, false, err
		case "Reshape", "Squeeze", "Unsqueeze", "Flatten":
			return o.rename(len(p.GetOutput()))
		}
		if err := o.modern(x.model.opset); err != nil {
			return nil, false, err
		}
	}
	out, fixed, err := x.operator(o, len(p.GetOutput()))
	if err == nil && o.shape != nil {
		out[0].Shape = o.shape
	}
	return out, fixed, err
}

// facts infers the shapes of n results with package infer.
func (o *operation) facts(n int) ([]infer.Value, error) {
	facts := make([]infer.Value, len(o.in))
	o.node.In, o.node.Out = make([]nn.Value, len(o.in)), make([]nn.Value, n)
	for k, v := range o.in {
		if v != nil {
			facts[k], o.node.In[k] = infer.Of(v.Tensor), nn.Value(k+1)
		}
	}
	for k := range o.node.Out {
		o.node.Out[k] = nn.Value(len(o.in) + k + 1)
	}
	return infer.Node(&o.node, facts)
}

// rename computes an operator that only changes the shape of a tensor.
func (o *operation) rename(n int) ([]nn.Tensor, bool, error) {
	out, err := o.facts(n)
	if err != nil {
		return nil, false, err
	}
	t := o.in[0].Tensor
	t.Shape = out[0].Shape
	return []nn.Tensor{t}, false, nil
}

// operator computes an operator. Package infer computes small lists and shapes, the engine computes everything else.
func (x *machine) operator(o *operation, n int) ([]nn.Tensor, bool, error) {
	facts, err := o.facts(n)
	if err != nil {
		return nil, false, err
	}
	shapeOnly := o.node.Domain == "" && (o.node.Type == "Shape" || o.node.Type == "Size")
	var known []nn.Tensor
	for _, f := range facts {
		if t, ok := tensorOf(f); ok {
			known = append(known, t)
		}
	}
	if len(known) == n {
		return known, shapeOnly, nil
	}
	if f := joinedOf(&o.node); f != nil {
		out, err := x.join(o, facts, f)
		return out, false, err
	}
	if f, ok := plainly[o.node.Type]; ok && o.node.Domain == "" {
		out, err := f(o, facts)
		return out, false, err
	}
	o.attributes()
	out, err := x.compute(o, facts)
	return out, false, err
}

// tensorOf returns a value whose integers are known.
func tensorOf(v infer.Value) (nn.Tensor, bool) {
	if v.Ints == nil || v.Unknown {
		return nn.Tensor{}, false
	}
	raw, ok := onnx.Integers(v.Type, v.Ints)
	return nn.Tensor{Type: v.Type, Shape: v.Shape, Raw: raw}, ok
}

// attributes turns operands into attributes if older opsets had them as attributes, because networks of package nn have them that way.
func (o *operation) attributes() {
	row, ok := operators.Lookup(o.node.Domain, o.node.Type)
	if !ok {
		return
	}
	for k, p := range row.Operands() {
		if k >= len(o.in) || o.in[k] == nil || p.Since == 0 {
			continue
		}
		v := infer.Of(o.in[k].Tensor)
		switch {
		case v.Ints != nil && (p.Kind == operators.List || p.Kind == operators.Size):
			o.set(nn.Attr{Name: p.Name, Kind: nn.AttrInts, Ints: v.Ints})
		case len(v.Floats) == 1:
			o.set(nn.Attr{Name: p.Name, Kind: nn.AttrFloat, Float: v.Floats[0]})
		default:
			continue
		}
		o.in[k] = nil
	}
	for len(o.in) > 0 && o.in[len(o.in)-1] == nil {
		o.in = o.in[:len(o.in)-1]
	}
}

// set gives the node an attribute.
func (o *operation) set(a nn.Attr) {
	o.drop(a.Name)
	o.node.Attrs = append(o.node.Attrs, a)
}

func (o *operation) drop(name string) {
	o.node.Attrs = slices.DeleteFunc(o.node.Attrs, func(b nn.Attr) bool { return b.Name == name })
}

// compute runs an operator on the engine as a network of its own.
func (x *machine) compute(o *operation, results []infer.Value) ([]nn.Tensor, error) {
	var errs []error
	for _, constants := range []func(k int) bool{
		func(k int) bool { return o.in[k].fixed && k > 0 },
		func(int) bool { return false },
	} {
		out, err := x.network(o, results, constants)
		if err == nil {
			return out, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

// network runs an operator whose operands are inputs, or constants.
func (x *machine) network(o *operation, results []infer.Value, constant func(k int) bool) ([]nn.Tensor, error) {
	g := &nn.Graph{Values: make([]nn.Info, 1, len(o.in)+len(results)+1)}
	n := o.node
	n.In, n.Out = nil, nil
	var in []nn.Tensor
	for k, v := range o.in {
		if v == nil {
			n.In = append(n.In, nn.None)
			continue
		}
		info := nn.Info{Name: fmt.Sprint("in", k), Type: v.Type, Shape: v.Shape}
		id := nn.Value(len(g.Values))
		if constant(k) {
			info.Const = &v.Tensor
		} else {
			g.Inputs, in = append(g.Inputs, id), append(in, v.Tensor)
		}
		g.Values, n.In = append(g.Values, info), append(n.In, id)
	}
	for k, f := range results {
		id := nn.Value(len(g.Values))
		g.Values = append(g.Values, nn.Info{Name: fmt.Sprint("out", k), Type: f.Type, Shape: f.Shape})
		n.Out, g.Outputs = append(n.Out, id), append(g.Outputs, id)
	}
	slices.SortFunc(n.Attrs, func(a, b nn.Attr) int { return strings.Compare(a.Name, b.Name) })
	g.Nodes = []nn.Node{n}
	return x.Runner(g, nn.MapWeights{}, in)
}
