package onnx

import "github.com/autotailor/autotailor/internal/onnxpb"

// Captures lists what the graphs inside of a node use from outside, each name once, in order. In TailorIR and in recorded networks those values are
// further operands of the node, so that everyone sees that they are used.
func Captures(p *onnxpb.NodeProto) []string {
	c := &capturer{seen: map[string]bool{"": true}}
	for _, a := range p.GetAttribute() {
		for _, g := range append(a.GetGraphs(), a.GetG()) {
			c.graph(g, nil)
		}
	}
	return c.names
}

type capturer struct {
	seen  map[string]bool
	names []string
}

// graph collects what g uses and neither makes itself nor has from the graphs around it.
func (c *capturer) graph(g *onnxpb.GraphProto, around map[string]bool) {
	own := map[string]bool{}
	for name := range around {
		own[name] = true
	}
	for _, v := range g.GetInput() {
		own[v.GetName()] = true
	}
	for _, t := range g.GetInitializer() {
		own[t.GetName()] = true
	}
	for _, t := range g.GetSparseInitializer() {
		own[t.GetValues().GetName()] = true
	}
	for _, n := range g.GetNode() {
		for _, out := range n.GetOutput() {
			own[out] = true
		}
	}
	use := func(name string) {
		if !own[name] && !c.seen[name] {
			c.seen[name] = true
			c.names = append(c.names, name)
		}
	}
	for _, n := range g.GetNode() {
		for _, in := range n.GetInput() {
			use(in)
		}
		for _, a := range n.GetAttribute() {
			for _, inner := range append(a.GetGraphs(), a.GetG()) {
				c.graph(inner, own)
			}
		}
	}
	for _, v := range g.GetOutput() {
		use(v.GetName())
	}
}
