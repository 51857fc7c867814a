package model

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lifted tells for each value whether its positions may be nonzero although their weights are zero, since for example exp(0) is 1. After the next weights they are zero
// again.
func lifted(g *nn.Graph) []bool {
	out := make([]bool, len(g.Values))
	for _, n := range g.Nodes {
		row, _ := operators.Lookup(n.Domain, n.Type)
		zeros := row.OfZeros()
		some, all := false, true
		weighted := false
		for _, v := range n.In {
			if v == nn.None {
				continue
			}
			info := &g.Values[v]
			weighted = weighted || info.Param != nil
			if !info.Known() {
				some, all = some || out[v], all && out[v]
			} else if info.Const != nil && row.Class == operators.Broadcast && zeros == operators.ZeroAsAll {
				some = some || slices.ContainsFunc(info.Const.Raw, func(b byte) bool { return b != 0 })
			}
		}
		lifts := some
		switch single := row.Class == operators.Unary || row.Class == operators.Broadcast; {
		case single && zeros == operators.NeverZero, row.Class == operators.Rows:
			lifts = true
		case row.Class == operators.Product || row.Class == operators.Normalisation, single && zeros == operators.ZeroAsFactors && weighted:
			lifts = false
		case single && zeros == operators.ZeroAsFactors:
			lifts = some && all
		case single && zeros == operators.ZeroAsFirst:
			lifts = len(n.In) > 0 && n.In[0] != nn.None && out[n.In[0]]
		}
		for _, v := range n.Out {
			if v != nn.None {
				out[v] = lifts
			}
		}
	}
	return out
}

// sums lists the axes of a node's first operand over which it sums positions that are not zero although their weights are.
func sums(g *nn.Graph, n *nn.Node, lifted []bool, rank int) []int {
	up := func(k int) bool {
		return k < len(n.In) && n.In[k] != nn.None && !g.Values[n.In[k]].Known() && lifted[n.In[k]]
	}
	o, _ := operators.Lookup(n.Domain, n.Type)
	switch {
	case n.Domain != "" || !up(0):
		return nil
	case n.Type == "MatMul" && up(1):
		return []int{rank - 1}
	case o.Zeros == operators.ZeroAddsNothing:
		return mixed(n, rank)
	}
	return nil
}
