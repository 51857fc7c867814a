package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// plainGathers rewrites GatherND with single numbers as indices, which the dynamo exporter makes of x[index], to Gather. A Scatter has another name since
// opset 11.
func plainGathers(g *ir.Graph) error {
	made := producers(g)
	for _, n := range g.Nodes {
		if n.Op == "Scatter" && n.Domain == "" {
			n.Op = "ScatterElements"
		}
		if n.Op != "GatherND" || n.Domain != "" || len(n.In) != 2 || n.Int("batch_dims", 0) != 0 {
			continue
		}
		if index := withoutLast(g, made[n.In[1]]); index != 0 {
			n.Op, n.In, n.Attrs = "Gather", []ir.ValueID{n.In[0], index}, nil
		}
	}
	return nil
}

// withoutLast is the operand of an Unsqueeze that only added a last axis, 0 for anything else.
func withoutLast(g *ir.Graph, n *ir.Node) ir.ValueID {
	if n == nil || n.Op != "Unsqueeze" || n.Domain != "" {
		return 0
	}
	rank := len(g.Values[n.In[0]].Shape)
	if axes := axesOf(g, n); slices.Equal(axes, []int64{-1}) || rank > 0 && slices.Equal(axes, []int64{int64(rank)}) {
		return n.In[0]
	}
	return 0
}
