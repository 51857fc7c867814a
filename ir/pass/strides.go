package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// dropStrides removes what PyTorch's as_strided becomes when it changes nothing: a Reshape to a list, and a Gather of all its elements
// in order back into the shape that they had.
func dropStrides(g *ir.Graph) error {
	made, others := producers(g), substitutes{}
	for _, n := range g.Nodes {
		others.read(n)
		if n.Op != "Gather" || n.Domain != "" || len(n.In) != 2 || n.Int("axis", 0) != 0 {
			continue
		}
		list, index := made[n.In[0]], g.Values[n.In[1]].Const
		if list == nil || list.Op != "Reshape" || index == nil || isOutput(g, n.Out[0]) {
			continue
		}
		x := g.Values[list.In[0]]
		flat := g.Values[n.In[0]].Shape
		if len(flat) != 1 || !counts(index, flat[0].Size) || !sameExtents(x.Shape, index.Shape) {
			continue
		}
		others[n.Out[0]] = list.In[0]
	}
	others.outputs(g)
	return nil
}

// counts tells whether a tensor is 0, 1, ... n-1.
func counts(t *ir.Tensor, n int) bool {
	list, err := t.Int64s()
	if err != nil || len(list) != n {
		return false
	}
	for k, v := range list {
		if v != int64(k) {
			return false
		}
	}
	return true
}

func sameExtents(s ir.Shape, shape []int) bool {
	return slices.EqualFunc(s, shape, func(d ir.Dim, n int) bool { return d.Size == n })
}
