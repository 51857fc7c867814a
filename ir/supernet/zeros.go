package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// zeros finds the values that are zero for any input if all weights are zero. A residual block can be removed only if its branch is such a value. Numbers that
// are not weights keep their values.
type zeros struct {
	flow  *Flow
	known map[ir.ValueID]zero
}

// zero tells whether a value is zero. If it is not, by is the node whose result is not zero although its weights are, nil if it has no weights.
type zero struct {
	yes bool
	by  *ir.Node
}

// adds returns the node because of which a block with zero weights still adds something to its input, nil if it adds nothing.
func (z *zeros) adds(bl *Block) *ir.Node {
	if !bl.Skippable || bl.grows > 0 {
		return nil // the block stays, or the readers of its channels also have zero weights for them
	}
	for _, part := range bl.parts {
		if r := z.branch(part); !r.yes {
			return r.by
		}
	}
	return nil
}

// branch tells whether the value that an item adds to its input is zero.
func (z *zeros) branch(it Item) zero {
	add := z.flow.Graph.Nodes[it.Nodes[len(it.Nodes)-1]]
	for _, id := range add.In {
		if slices.Contains(it.Nodes, z.flow.producer[id]) {
			if r := z.of(id); r.yes || r.by != nil {
				return r
			}
		}
	}
	return zero{by: add}
}

func (z *zeros) of(id ir.ValueID) zero {
	if r, ok := z.known[id]; ok {
		return r
	}
	z.known[id] = zero{}
	var r zero
	switch p := z.flow.producer[id]; {
	case id == 0 || p < 0 && z.flow.Graph.Values[id].Const == nil:
	case p < 0:
		r.yes = z.flow.Graph.Values[id].Const.NumElements() > 1 // a single number is more often a constant of the network than a weight
	default:
		r = z.result(z.flow.Graph.Nodes[p])
	}
	z.known[id] = r
	return r
}

// all tells whether all of the given operands are zero. Absent operands do not count.
func (z *zeros) all(n *ir.Node, ids ...ir.ValueID) zero {
	r := zero{yes: true}
	for _, id := range ids {
		if id == 0 {
			continue
		}
		if o := z.of(id); !o.yes {
			if r.yes = false; r.by == nil {
				r.by = o.by
			}
			if z.flow.producer[id] < 0 && z.flow.Graph.Values[id].Const != nil {
				r.by = n // it has a number that is not a weight
			}
		}
	}
	return r
}

// any tells whether at least one of the given operands is zero.
func (z *zeros) any(n *ir.Node, ids ...ir.ValueID) zero {
	r := zero{}
	for _, id := range ids {
		if id == 0 {
			continue
		}
		o := z.of(id)
		if o.yes {
			return o
		}
		if r.by == nil {
			r.by = o.by
		}
	}
	return r
}

// result tells whether a node's results are zero.
func (z *zeros) result(n *ir.Node) zero {
	o, _ := operators.Lookup(n.Domain, n.Op)
	how := o.OfZeros()
	r := zero{by: n}
	switch {
	case len(n.In) == 0:
	case n.Op == "Where":
		r = z.all(n, n.Input(1), n.Input(2))
	case n.Op == "Clip":
		if low, high, known := clipped(n); known && low <= 0 && high >= 0 {
			r = z.of(n.In[0])
		}
	case n.Op == "Pad":
		if n.Float("value", 0) == 0 {
			r = z.of(n.In[0])
		}
	case o.Class == operators.Normalisation:
		r = z.normalised(n)
	case o.Class == operators.Product && how == operators.ZeroAsFactors:
		r = z.product(n)
	case how == operators.ZeroAsFirst || how == operators.ZeroAddsNothing:
		r = z.of(n.In[0])
	case how == operators.ZeroAsAll:
		r = z.all(n, n.In...)
	case how == operators.ZeroAsFactors:
		r = z.any(n, n.In...)
	case how == operators.ZeroAsThird:
		r = z.of(n.Input(2))
	case how == operators.ZeroAsStates:
		r = z.all(n, slices.Concat(n.In[1:min(4, len(n.In))], n.In[min(5, len(n.In)):])...)
	}
	return r
}

// product is result for a convolution or a matrix product, which may have a bias.
func (z *zeros) product(n *ir.Node) zero {
	weights := []ir.ValueID{n.Input(0), n.Input(1)}
	var sums []ir.ValueID
	switch n.Op {
	case "QLinearConv", "QLinearMatMul":
		weights = []ir.ValueID{n.Input(0), n.Input(3)}
		sums = []ir.ValueID{n.Input(8)}
	case "QGemm":
		weights = []ir.ValueID{n.Input(0), n.Input(3)}
		sums = []ir.ValueID{n.Input(6)}
	case "Conv", "ConvTranspose", "Gemm", "FusedConv", "FusedGemm":
		sums = []ir.ValueID{n.Input(2)}
	case "DeformConv":
		sums = []ir.ValueID{n.Input(3)}
	case "Einsum":
		weights = n.In
	}
	r := z.any(n, weights...)
	for _, id := range sums {
		if id != 0 && r.yes && z.flow.Graph.Values[id].Const == nil { // a bias is a weight, also one of a single channel
			r = z.of(id)
		}
	}
	return r
}

// normalised is result for a normalisation. A zero scale gives zero, and a value that is zero has no deviation.
func (z *zeros) normalised(n *ir.Node) zero {
	return z.any(n, n.In[0], n.Input(1))
}
