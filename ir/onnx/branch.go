package onnx

import (
	"errors"
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
)

// Branch returns the nodes of a subgraph of n, a branch of an If, and what it yields. Its values become values of g; what it uses from outside are
// operands of n. Names of its nodes follow that of n.
func Branch(g *ir.Graph, n *ir.Node, attr string) ([]*ir.Node, []ir.ValueID, error) {
	s, err := Inside(g, n, attr)
	if err != nil {
		return nil, nil, err
	}
	return s.Nodes(n.Name, nil)
}

// Subgraph is a graph in an attribute of a node, whose nodes become nodes of the graph around it, once or several times.
type Subgraph struct {
	Inputs int // that it has of its own
	around *ir.Graph
	node   *ir.Node
	proto  *onnxpb.GraphProto
	fixed  map[string]ir.ValueID // what it uses from outside, and its constants, which are there once
}

// Inside reads the subgraph of a node's attribute. Its initializers become values of g.
func Inside(g *ir.Graph, n *ir.Node, attr string) (*Subgraph, error) {
	a, ok := n.Attr(attr)
	p := &onnxpb.AttributeProto{}
	if !ok {
		return nil, fmt.Errorf("node %q has no attribute %s", n.Name, attr)
	}
	if err := proto.Unmarshal(a.Raw, p); err != nil {
		return nil, fmt.Errorf("node %q: attribute %s: %w", n.Name, attr, err)
	}
	s := &Subgraph{Inputs: len(p.GetG().GetInput()), around: g, node: n, proto: p.GetG(), fixed: map[string]ir.ValueID{}}
	if names, ok := n.Attr(ir.Captures); ok {
		first := len(n.In) - len(names.Strings)
		for k, name := range names.Strings {
			s.fixed[name] = n.In[first+k]
		}
	}
	d := s.decoder()
	for _, t := range s.proto.GetInitializer() {
		d.initializer(t)
	}
	return s, s.keep(d)
}

// decoder reads into the graph around s.
func (s *Subgraph) decoder() *decoder {
	inner := *s.around
	inner.Nodes, inner.Outputs = nil, nil
	return &decoder{file: &onnx.Model{}, g: &inner, ids: maps.Clone(s.fixed)}
}

// keep takes over the values that d has read.
func (s *Subgraph) keep(d *decoder) error {
	if err := errors.Join(d.errs...); err != nil {
		return err
	}
	s.around.Values = d.g.Values
	for _, t := range s.proto.GetInitializer() {
		s.fixed[t.GetName()] = d.ids[t.GetName()]
	}
	return nil
}

// Nodes returns the nodes of one run over inputs, and what they yield. Constants are among the nodes of the first run.
func (s *Subgraph) Nodes(name string, inputs []ir.ValueID) ([]*ir.Node, []ir.ValueID, error) {
	d, known := s.decoder(), len(s.around.Values)
	for k, v := range s.proto.GetInput()[:min(len(inputs), s.Inputs)] {
		d.ids[v.GetName()] = inputs[k]
	}
	var constants []string
	for i, b := range d.ordered(s.proto.GetNode()) {
		if b.GetOpType() == "Constant" && len(b.GetOutput()) == 1 {
			if constants = append(constants, b.GetOutput()[0]); s.fixed[b.GetOutput()[0]] != 0 {
				continue
			}
		}
		d.node(i, b)
	}
	for _, v := range append(s.proto.GetValueInfo(), s.proto.GetOutput()...) {
		if id, ok := d.ids[v.GetName()]; ok && int(id) >= known {
			d.describe(id, v)
		}
	}
	var out []ir.ValueID
	for _, v := range s.proto.GetOutput() {
		id, ok := d.ids[v.GetName()]
		if !ok {
			d.errorf("a subgraph of node %q yields %q, which nothing makes", s.node.Name, v.GetName())
		}
		out = append(out, id)
	}
	if err := s.keep(d); err != nil {
		return nil, nil, err
	}
	for _, c := range constants {
		s.fixed[c] = d.ids[c]
	}
	for _, b := range d.g.Nodes {
		b.Name = name + "/" + b.Name
	}
	return d.g.Nodes, out, nil
}

// Constants lists the names of the constants in the subgraphs of a node, however deep, those that occur several times so often.
func Constants(n *ir.Node) []string {
	var list []string
	var walk func(g *onnxpb.GraphProto)
	walk = func(g *onnxpb.GraphProto) {
		for _, t := range g.GetInitializer() {
			list = append(list, t.GetName())
		}
		for _, b := range g.GetNode() {
			if b.GetOpType() == "Constant" {
				list = append(list, b.GetOutput()...)
			}
			for _, a := range b.GetAttribute() {
				walk(a.GetG())
			}
		}
	}
	for _, a := range n.Attrs {
		p := &onnxpb.AttributeProto{}
		if a.Kind == ir.AttrGraph && proto.Unmarshal(a.Raw, p) == nil {
			walk(p.GetG())
		}
	}
	return list
}
