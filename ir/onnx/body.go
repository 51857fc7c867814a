package onnx

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// Body reads the subgraph of a node's attribute, under the opsets of the model. What it uses from outside are its last inputs, by the names in
// captures; an element of outer is the value of that name.
func Body(a ir.Attr, opsets map[string]int, captures []string, outer []*ir.Value) (*ir.Graph, error) {
	p, err := a.Proto()
	if err != nil {
		return nil, err
	}
	d := &decoder{file: &onnx.Model{Proto: &onnxpb.ModelProto{}}, ids: map[string]ir.ValueID{}}
	d.g = &ir.Graph{Name: p.GetG().GetName(), Opsets: opsets, Values: []*ir.Value{{}}}
	for k, name := range captures {
		v := *outer[k]
		v.Name = name
		id := d.define(name, "the graph around it")
		d.g.Values[id] = &v
	}
	nodes := p.GetG().GetNode()
	d.graph(p.GetG(), d.ordered(nodes))
	for k, name := range captures {
		if outer[k].Const == nil {
			d.g.Inputs = append(d.g.Inputs, d.ids[name])
		}
	}
	if err := errors.Join(d.errs...); err != nil {
		return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
	}
	return d.g, errors.Join(ir.Verify(d.g), op.Types(d.g))
}
