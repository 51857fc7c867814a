package onnx

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
)

// Branch returns the nodes of a subgraph of n, a branch of an If, and what it yields. Its values become values of g; what it uses from outside are
// operands of n. Names of its nodes follow that of n.
func Branch(g *ir.Graph, n *ir.Node, attr string) ([]*ir.Node, []ir.ValueID, error) {
	a, ok := n.Attr(attr)
	p := &onnxpb.AttributeProto{}
	if !ok {
		return nil, nil, fmt.Errorf("node %q has no attribute %s", n.Name, attr)
	}
	if err := proto.Unmarshal(a.Raw, p); err != nil {
		return nil, nil, fmt.Errorf("node %q: attribute %s: %w", n.Name, attr, err)
	}
	inner := *g
	inner.Nodes, inner.Outputs = nil, nil
	d := &decoder{file: &onnx.Model{}, g: &inner, ids: map[string]ir.ValueID{}}
	if names, ok := n.Attr(ir.Captures); ok {
		first := len(n.In) - len(names.Strings)
		for k, name := range names.Strings {
			d.ids[name] = n.In[first+k]
		}
	}
	for _, t := range p.GetG().GetInitializer() {
		d.initializer(t)
	}
	for i, b := range d.ordered(p.GetG().GetNode()) {
		d.node(i, b)
	}
	for _, v := range append(p.GetG().GetValueInfo(), p.GetG().GetOutput()...) {
		if id, ok := d.ids[v.GetName()]; ok && int(id) >= len(g.Values) {
			d.describe(id, v)
		}
	}
	var out []ir.ValueID
	for _, v := range p.GetG().GetOutput() {
		id, ok := d.ids[v.GetName()]
		if !ok {
			d.errorf("a branch of node %q yields %q, which nothing makes", n.Name, v.GetName())
		}
		out = append(out, id)
	}
	if err := errors.Join(d.errs...); err != nil {
		return nil, nil, err
	}
	for _, b := range inner.Nodes {
		b.Name = n.Name + "/" + b.Name
	}
	g.Values = inner.Values
	return inner.Nodes, out, nil
}
