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
		left, last := n.In[0], len(n.In)-1
		for k, right := range n.In[1:last] {
			suffix := fmt.Sprintf("_of_%d", k+2)
			out := g.Values[n.Out[0]]
			part := addValue(g, out, out.Name+suffix)
			nodes = append(nodes, &ir.Node{Op: "Add", Name: n.Name + suffix, In: []ir.ValueID{left, right}, Out: []ir.ValueID{part}, Scope: n.Scope})
			left = part
		}
		n.Op, n.In, n.Attrs = "Add", []ir.ValueID{left, n.In[last]}, nil
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return nil
}
