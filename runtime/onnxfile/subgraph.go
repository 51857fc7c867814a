package onnxfile

import (
	"maps"
	"slices"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// subgraphs binds what the graphs of a carried operator use from outside. In an nn.Graph those values are its last operands; the attribute
// nn.Captures has the names by which the subgraphs know them.
func (b *writer) subgraphs(n *nn.Node, p *onnxpb.NodeProto) {
	list, ok := n.Attr(nn.Captures)
	if ok && len(list.Strings) <= len(p.Input) {
		p.Attribute = slices.DeleteFunc(p.Attribute, func(a *onnxpb.AttributeProto) bool { return a.GetName() == nn.Captures })
	}
	outside := p.Input[len(p.Input)-len(list.Strings):]
	p.Input = p.Input[:len(p.Input)-len(list.Strings)]
	names := map[string]string{}
	for k, name := range list.Strings {
		names[name] = outside[k]
	}
	for _, a := range p.Attribute {
		for _, g := range append(a.Graphs, a.G) {
			b.bindGraph(g, names, p.GetName())
		}
	}
}

// bindGraph renames what g uses from outside, and what it makes itself where the model has a value of that name.
func (b *writer) bindGraph(g *onnxpb.GraphProto, outside map[string]string, prefix string) {
	if g == nil {
		return
	}
	names := maps.Clone(outside)
	own := func(name string) {
		to := name
		for b.taken[to] {
			to = prefix + "/" + to
		}
		if name != "" {
			names[name], b.taken[to] = to, true
		}
	}
	for _, v := range g.Input {
		own(v.GetName())
	}
	for _, t := range g.Initializer {
		own(t.GetName())
	}
	for _, n := range g.Node {
		for _, out := range n.Output {
			own(out)
		}
	}
	now := func(name string) string {
		if to, ok := names[name]; ok {
			return to
		}
		return name
	}
	for _, v := range slices.Concat(g.Input, g.Output, g.ValueInfo) {
		*v.Name = now(v.GetName())
	}
	for _, t := range g.Initializer {
		*t.Name = now(t.GetName())
	}
	for _, n := range g.Node {
		if d := n.GetDomain(); d != "" && d != "ai.onnx" {
			b.domains[d] = true
		}
		for k, in := range n.Input {
			n.Input[k] = now(in)
		}
		for k, out := range n.Output {
			n.Output[k] = now(out)
		}
		for _, a := range n.Attribute {
			for _, inner := range append(a.Graphs, a.G) {
				b.bindGraph(inner, names, prefix)
			}
		}
	}
}
