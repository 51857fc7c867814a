package tune

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// cut takes nodes out of a network: what they compute becomes inputs, and what they read becomes outputs, so that all that is left can be
// differentiated. A node that then reads integers which nobody computes goes, too; out says why.
func cut(g *nn.Graph, out map[int]string) *nn.Graph {
	c := &nn.Graph{Values: g.Values, Inputs: slices.Clone(g.Inputs), Opset: g.Opset}
	gone, computed := map[nn.Value]bool{}, map[nn.Value]bool{}
	wanted := slices.Clone(g.Outputs)
	integer := func(v nn.Value) bool { return g.Values[v].Type > nn.Float32 }
	idle := g.Idle()
	for i, n := range g.Nodes {
		if idle[i] {
			continue
		}
		if k := slices.IndexFunc(n.In, func(v nn.Value) bool { return gone[v] && integer(v) }); k >= 0 && out[i] == "" {
			out[i] = "it reads " + g.Values[n.In[k]].Name + ", of an operator that is lacking"
		}
		if out[i] != "" {
			mark(gone, n.Out)
			wanted = append(wanted, n.In...)
			continue
		}
		c.Nodes = append(c.Nodes, n)
		mark(computed, n.Out)
		for _, v := range n.In {
			if gone[v] && !slices.Contains(c.Inputs, v) {
				c.Inputs = append(c.Inputs, v)
			}
		}
	}
	for _, v := range wanted {
		if computed[v] && !integer(v) && !slices.Contains(c.Outputs, v) {
			c.Outputs = append(c.Outputs, v)
		}
	}
	return c
}

// mark adds values to a set.
func mark(set map[nn.Value]bool, list []nn.Value) {
	for _, v := range list {
		set[v] = v != nn.None
	}
}
