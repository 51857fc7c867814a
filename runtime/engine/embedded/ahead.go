package embedded

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// ahead computes nodes that do not depend on inputs, such as weights that an exporter left behind a Transpose, and makes constants of their results.
// It tells which nodes are done. What cannot be computed is left to the compiler, which says why.
func (c *compiler) ahead() (done []bool) {
	g := c.graph
	done = make([]bool, len(g.Nodes))
	known := make([]bool, len(g.Values))
	part := &nn.Graph{Values: g.Values}
	for i, n := range g.Nodes {
		depends := len(n.In) == 0 || slices.ContainsFunc(n.In, func(v nn.Value) bool { return v != nn.None && !known[v] && !g.Values[v].Known() })
		if depends || slices.ContainsFunc(n.Out, func(v nn.Value) bool { return slices.Contains(g.Outputs, v) || g.Values[v].Shape.Open() }) {
			continue
		}
		done[i] = true
		part.Nodes = append(part.Nodes, n)
		for _, v := range n.Out {
			if v != nn.None {
				known[v], part.Outputs = true, append(part.Outputs, v)
			}
		}
	}
	if len(part.Nodes) == 0 {
		return done
	}
	inner := &compiler{plan: plan{graph: part, whole: true}, weights: c.weights, isa: c.isa, windows: c.windows}
	p, err := inner.lower(make([]bool, len(part.Nodes)))
	if err != nil {
		return make([]bool, len(g.Nodes))
	}
	s := newSession(p, 1, false)
	results, err := s.Run()
	if err != nil {
		return make([]bool, len(g.Nodes))
	}
	out := *g
	out.Values = slices.Clone(g.Values)
	for k, v := range part.Outputs {
		t := results[k]
		t.Raw = slices.Clone(t.Raw)
		out.Values[v].Const = &t
	}
	c.graph = &out
	return done
}
