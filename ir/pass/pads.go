package pass

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// wholePads gives a Pad of some axes, which it may name since opset 18, the pads of all of them.
func wholePads(g *ir.Graph) error {
	var vals []op.Operand
	for _, n := range g.Nodes {
		if n.Op != "Pad" || n.Domain != "" || n.Input(3) == 0 {
			continue
		}
		if vals == nil {
			vals = extents(g)
		}
		pads, ok := listOfInts(g, n.Input(1))
		axes, ok2 := listOfInts(g, n.Input(3))
		if whole := op.WholePads(pads, axes, len(vals[n.In[0]].Shape)); ok && ok2 && whole != nil {
			n.In = append([]ir.ValueID{n.In[0], list(g, n.Name+"_pads", whole)}, n.In[2:3]...)
		}
	}
	return nil
}

// listOfInts reads a constant list of whole numbers.
func listOfInts(g *ir.Graph, id ir.ValueID) ([]int, bool) {
	a, ok := arrayOf(g.Values[id], maxFolded)
	out := make([]int, len(a.v))
	for k, v := range a.v {
		out[k] = int(v)
	}
	return out, ok && a.kind != ir.Float32
}
