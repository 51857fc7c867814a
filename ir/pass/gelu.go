package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// fuseGelu joins the pieces of GELU, 0.5*x*(1+erf(x/sqrt 2)), in the orders in which exporters write them.
func fuseGelu(g *ir.Graph) error {
	f := newFuser(g)
	for _, n := range g.Nodes {
		if n.Op == "Erf" && n.Domain == "" {
			f.gelu(n)
		}
	}
	return nil // pieces that are left over are dead
}

// gelu rewrites the last node of the pattern around an Erf.
func (f *fuser) gelu(erf *ir.Node) {
	x, c, ok := f.times(f.made[erf.In[0]])
	if !ok || !close(c, math.Sqrt2/2) {
		return
	}
	add := f.only(erf, "Add")
	if add == nil {
		return
	}
	if one, ok := f.number(other(add, erf.Out[0])); !ok || one != 1 {
		return
	}
	last := f.only(add, "Mul")
	if last == nil {
		return
	}
	factor := 1.0
	if o := other(last, add.Out[0]); o != x { // 0.5*x stands there, or a half follows
		y, c, ok := f.times(f.made[o])
		if half, isNumber := f.number(o); isNumber {
			y, c, ok = x, half, true
			if last = f.only(last, "Mul"); last == nil || other(last, f.mulOf(add).Out[0]) != x {
				return
			}
		}
		if !ok || y != x {
			return
		}
		factor = c
	}
	if close(factor, 1) {
		if last = f.only(last, "Mul"); last == nil {
			return
		}
		_, factor, _ = f.times(last)
	}
	if !close(factor, 0.5) {
		return
	}
	last.Op, last.In, last.Attrs = "Gelu", []ir.ValueID{x}, nil
}

// mulOf is the product that reads a node's result.
func (f *fuser) mulOf(n *ir.Node) *ir.Node { return f.readers[n.Out[0]][0] }
