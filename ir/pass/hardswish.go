package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// fuseHardSwish joins the pieces of HardSigmoid, h = clip(x+3, 0, 6)/6, and of HardSwish, x*h, in the orders in which exporters write them.
func fuseHardSwish(g *ir.Graph) error {
	f := newFuser(g)
	for _, n := range g.Nodes {
		if y, c, ok := f.times(n); ok && sixth(c) {
			if x, ok := f.clipped(y); ok {
				n.Op, n.In = "HardSigmoid", []ir.ValueID{x}
				n.Attrs = []ir.Attr{{Name: "alpha", Kind: ir.AttrFloat, Float: 1.0 / 6}, {Name: "beta", Kind: ir.AttrFloat, Float: 0.5}}
			}
		}
	}
	for _, n := range g.Nodes {
		if x := f.hardSwish(n); x != 0 {
			n.Op, n.In, n.Attrs = "HardSwish", []ir.ValueID{x}, nil
		}
	}
	return nil // pieces that are left over are dead
}

// hardSwish is the operand of the HardSwish that n is the last piece of, 0 for other nodes.
func (f *fuser) hardSwish(n *ir.Node) ir.ValueID {
	if y, c, ok := f.times(n); ok && sixth(c) {
		if m := f.made[y]; is(m, "Mul") { // x*clip(x+3), divided afterwards
			return f.pair(m, f.clipped, func(id ir.ValueID) ir.ValueID { return id })
		}
	}
	if !is(n, "Mul") {
		return 0
	}
	if x := f.pair(n, f.hardSigmoid, func(id ir.ValueID) ir.ValueID { return id }); x != 0 {
		return x
	}
	return f.pair(n, f.clipped, func(id ir.ValueID) ir.ValueID { // x/6*clip(x+3)
		if x, c, ok := f.times(f.made[id]); ok && sixth(c) {
			return x
		}
		return 0
	})
}

// pair is x, when one operand of a product is gate(x) and side tells that the other one is of x too; else 0.
func (f *fuser) pair(n *ir.Node, gate func(ir.ValueID) (ir.ValueID, bool), side func(ir.ValueID) ir.ValueID) ir.ValueID {
	for k, id := range n.In {
		if x, ok := gate(id); ok && side(n.In[1-k]) == x {
			return x
		}
	}
	return 0
}

// clipped is x of clip(x+3, 0, 6).
func (f *fuser) clipped(id ir.ValueID) (ir.ValueID, bool) {
	n := f.made[id]
	if !is(n, "Clip") || n.Float("min", 1) != 0 || n.Float("max", 0) != 6 {
		return 0, false
	}
	x, c, ok := f.plus(f.made[n.In[0]])
	return x, ok && c == 3
}

// hardSigmoid is x of the HardSigmoid that belongs to HardSwish.
func (f *fuser) hardSigmoid(id ir.ValueID) (ir.ValueID, bool) {
	n := f.made[id]
	if !is(n, "HardSigmoid") || !sixth(float64(n.Float("alpha", 0.2))) || n.Float("beta", 0.5) != 0.5 {
		return 0, false
	}
	return n.In[0], true
}

func sixth(c float64) bool { return math.Abs(c-1.0/6) < 1e-6 }
