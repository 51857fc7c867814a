package pass

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
)

// plainSums rewrites Sum, by which older exporters join the branches of a residual block, to Adds.
func plainSums(g *ir.Graph) error {
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		if n.Op != "Sum" || n.Domain != "" || len(n.In) < 2 {
			nodes = append(nodes, n)
			continue
		}
		in, name := n.In, n.Name
		out := g.Values[n.Out[0]]
		for k := 1; k < len(in)-1; k++ {
			g.Values = append(g.Values, &ir.Value{Name: fmt.Sprintf("%s_of_%d", out.Name, k+1), Type: out.Type})
			part := ir.ValueID(len(g.Values) - 1)
			nodes = append(nodes, &ir.Node{Op: "Add", Name: fmt.Sprintf("%s_of_%d", name, k+1), In: []ir.ValueID{in[0], in[k]}, Out: []ir.ValueID{part}, Scope: n.Scope})
			in[0] = part
		}
		n.Op, n.In, n.Attrs = "Add", []ir.ValueID{in[0], in[len(in)-1]}, nil
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return nil
}
