package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// plainUnpools removes the extents that a MaxUnpool states where its window gives the same ones, and takes those of the map that was pooled where it
// states these. Both follow channels and the resolution.
func plainUnpools(g *ir.Graph) error {
	var vals []op.Operand
	var nodes []*ir.Node
	made := producers(g)
	for _, n := range g.Nodes {
		if n.Op == "MaxUnpool" && n.Domain == "" && n.Input(2) != 0 {
			if vals == nil {
				vals = extents(g)
			}
			pooled, stated := made[n.In[1]], g.Values[n.In[2]].Const != nil
			switch {
			case spreads(n, vals[n.In[0]], vals[n.In[2]]):
				n.In = n.In[:2]
			case stated && pooled != nil && pooled.Op == "MaxPool" && sameSizes(vals[n.In[2]].Ints, vals[pooled.In[0]].Shape):
				size := addValue(g, &ir.Value{Type: ir.Int64}, n.Name+"_size")
				nodes = append(nodes, &ir.Node{Name: n.Name + "_size", Op: "Shape", In: pooled.In[:1:1], Out: []ir.ValueID{size}})
				n.In[2] = size
			}
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return nil
}

func sameSizes(a, b []dim.Dim) bool {
	return slices.EqualFunc(a, b, func(x, y dim.Dim) bool { return x.Original() == y.Original() })
}

// spreads tells whether the window of a MaxUnpool makes what is stated, the batch aside.
func spreads(n *ir.Node, x, stated op.Operand) bool {
	rank := len(x.Shape) - 2
	k, strides, pads := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads")
	if rank < 1 || len(k) != rank || len(stated.Ints) != rank+2 {
		return false
	}
	at := func(list []int64, i, otherwise int) int {
		if i < len(list) {
			return int(list[i])
		}
		return otherwise
	}
	for a := range rank + 1 {
		size := x.Shape[a+1].Original()
		if a > 0 {
			i := a - 1
			size = at(strides, i, 1)*(size-1) + int(k[i]) - at(pads, i, 0) - at(pads, i+rank, 0)
		}
		if v, ok := stated.Ints[a+1].IsConst(); !ok || v != size {
			return false
		}
	}
	return true
}
