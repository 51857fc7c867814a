package onnx

import "github.com/autotailor/autotailor/internal/onnxpb"

// branches gives the results of If and Loop that the model does not describe what their subgraphs declare.
func (d *decoder) branches(p *onnxpb.NodeProto) {
	for _, a := range p.GetAttribute() {
		outputs := a.GetG().GetOutput()
		if p.GetOpType() == "Loop" {
			outputs = outputs[min(1, len(outputs)):] // after the condition
			outputs = outputs[:min(len(outputs), max(0, len(p.GetInput())-2))]
		}
		for k, v := range outputs {
			if k >= len(p.GetOutput()) || p.GetOpType() != "If" && p.GetOpType() != "Loop" {
				break
			}
			if id, ok := d.ids[p.GetOutput()[k]]; ok && d.g.Values[id].Shape == nil {
				d.describe(id, v)
			}
		}
	}
}

// captures lists what the subgraphs of a node use from outside, each name once, in order. In TailorIR those values are further operands
// of the node, so that every pass and rule sees that they are used; ir.Captures says how many.
func captures(p *onnxpb.NodeProto) []string {
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
